-- What hygiene decides: enforced, held by an incident or a policy, or in shadow
-- mode. Only what is enforced refuses anybody.
ALTER TABLE suppression ADD COLUMN state TEXT NOT NULL DEFAULT 'enforced';
-- How often it has been suppressed again after a trial.
ALTER TABLE suppression ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
-- Messages let through when it has expired, until one of them tells; NULL: it just ends.
ALTER TABLE suppression ADD COLUMN trial INTEGER;
-- Messages sent to it on trial or, where it is not enforced, in spite of it; and the last of them.
ALTER TABLE suppression ADD COLUMN sends INTEGER NOT NULL DEFAULT 0;
ALTER TABLE suppression ADD COLUMN tried INTEGER;
-- The policy line that it rests on: "file:line", or "taxonomy".
ALTER TABLE suppression ADD COLUMN policy TEXT NOT NULL DEFAULT '';
CREATE INDEX suppression_tried ON suppression (tried) WHERE tried IS NOT NULL;

-- The first delivery after the last failure: where counting begins anew.
ALTER TABLE bounce ADD COLUMN delivered INTEGER NOT NULL DEFAULT 0;

-- Recipients that are never refused: addresses, or "@" and a domain.
CREATE TABLE allow (
    key   TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    who   TEXT NOT NULL,
    note  TEXT NOT NULL
) WITHOUT ROWID;

DROP VIEW v_suppressed;
CREATE VIEW v_suppressed AS
SELECT s.key AS recipient,
       CASE WHEN s.key LIKE '@%' THEN 'domain' ELSE 'address' END AS scope,
       s.stream,
       s.reason,
       r.family,
       r.subject,
       s.since,
       datetime(s.since, 'unixepoch') AS since_utc,
       s.until,
       s.origin,
       s.note,
       s.event,
       p.text AS reply,
       e.rule,
       v.version AS ruleset,
       e.provider,
       e.sentence,
       e.told_by,
       s.level,
       s.trial,
       s.sends,
       s.policy
FROM suppression s
LEFT JOIN reason r ON r.name = s.reason
LEFT JOIN event e ON e.id = s.event
LEFT JOIN reply p ON p.id = e.reply
LEFT JOIN ruleset v ON v.id = e.ruleset
WHERE s.state = 'enforced';

-- What is recorded, and refuses nobody.
CREATE VIEW v_would_be AS
SELECT s.key AS recipient,
       CASE WHEN s.key LIKE '@%' THEN 'domain' ELSE 'address' END AS scope,
       s.stream,
       s.state,
       s.reason,
       s.policy,
       s.since,
       datetime(s.since, 'unixepoch') AS since_utc,
       s.until,
       s.sends,
       s.event,
       e.provider,
       e.sentence
FROM suppression s
LEFT JOIN event e ON e.id = s.event
WHERE s.state <> 'enforced';

CREATE VIEW v_allowed AS
SELECT key AS recipient,
       CASE WHEN key LIKE '@%' THEN 'domain' ELSE 'address' END AS scope,
       since,
       datetime(since, 'unixepoch') AS since_utc,
       who,
       note
FROM allow;

DROP VIEW v_bounces;
CREATE VIEW v_bounces AS
SELECT a.key AS recipient,
       a.domain,
       b.hard,
       b.other,
       b.first,
       b.last,
       datetime(b.last, 'unixepoch') AS last_utc,
       e.reason AS last_reason,
       e.provider AS last_provider,
       p.text AS last_reply,
       e.id AS last_event,
       EXISTS (SELECT 1 FROM suppression s WHERE s.key = a.key AND s.state = 'enforced') AS suppressed,
       e.told_by AS last_told_by,
       nullif(b.delivered, 0) AS delivered
FROM bounce b
JOIN address a ON a.id = b.address
JOIN event e ON e.id = b.last_event
LEFT JOIN reply p ON p.id = e.reply;

-- Domains of recipients that failed and are one slip away from a big provider's (typo.c).
CREATE TABLE typo_domain (
    domain TEXT PRIMARY KEY,
    meant  TEXT NOT NULL
) WITHOUT ROWID;

CREATE VIEW v_typo_domains AS
SELECT t.domain,
       t.meant,
       count(*) AS recipients,
       sum(b.hard + b.other) AS failures,
       min(b.first) AS first,
       max(b.last) AS last,
       datetime(max(b.last), 'unixepoch') AS last_utc
FROM typo_domain t
JOIN address a ON a.domain = t.domain
JOIN bounce b ON b.address = a.id
GROUP BY t.domain;
