-- Results counted: the denominators, without a row for each delivered message.
-- attempts are deliveries that were tried, as the MTA tells of them: each line
-- of its log and each of its final failures (log and bounce are one). reports
-- are results that were only reported: notices of delay, bounces from
-- elsewhere, complaints. Texts are "" where nothing is known.
CREATE TABLE rollup (
    hour     INTEGER NOT NULL,  -- its first second
    provider TEXT NOT NULL,
    domain   TEXT NOT NULL,     -- the recipient's
    stream   TEXT NOT NULL,
    action   TEXT NOT NULL,
    reason   TEXT NOT NULL,
    trusted  INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    reports  INTEGER NOT NULL,
    PRIMARY KEY (hour, provider, domain, stream, action, reason, trusted)
) WITHOUT ROWID;

-- What is older is folded: a day, and no domains.
CREATE TABLE rollup_day (
    day      INTEGER NOT NULL,  -- its first second
    provider TEXT NOT NULL,
    stream   TEXT NOT NULL,
    action   TEXT NOT NULL,
    reason   TEXT NOT NULL,
    trusted  INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    reports  INTEGER NOT NULL,
    PRIMARY KEY (day, provider, stream, action, reason, trusted)
) WITHOUT ROWID;

INSERT INTO rollup (hour, provider, domain, stream, action, reason, trusted, attempts, reports)
SELECT e.time / 3600 * 3600 AS hour, coalesce(e.provider, '') AS provider, a.domain, e.stream, e.action,
       e.reason, e.trusted,
       sum(e.action = 'failed' AND (e.evidence = 'local' OR e.source = 'log')),
       sum(e.action <> 'failed' OR (e.evidence <> 'local' AND e.source <> 'log'))
FROM event e JOIN address a ON a.id = e.address
GROUP BY 1, 2, 3, 4, 5, 6, 7;

-- Who has told of a result: "log/local, milter/unproven"; source and evidence
-- of each kind of witness once, in the order in which they came.
ALTER TABLE event ADD COLUMN told_by TEXT NOT NULL DEFAULT '';
UPDATE event SET told_by = source || '/' || evidence;
CREATE INDEX event_message ON event (message_id, address) WHERE message_id IS NOT NULL;

-- Both tables as one, for the views.
CREATE VIEW counted AS
SELECT hour AS time, provider, stream, action, reason, trusted, attempts, reports FROM rollup
UNION ALL
SELECT day, provider, stream, action, reason, trusted, attempts, reports FROM rollup_day;

CREATE VIEW v_hourly AS
SELECT hour,
       datetime(hour, 'unixepoch') AS hour_utc,
       nullif(provider, '') AS provider,
       domain,
       stream,
       action,
       reason,
       trusted,
       attempts,
       reports
FROM rollup
WHERE attempts <> 0 OR reports <> 0;

DROP VIEW v_daily;
CREATE VIEW v_daily AS
SELECT c.day,
       nullif(c.provider, '') AS provider,
       c.action,
       c.reason,
       r.family,
       r.subject,
       c.stream,
       c.trusted,
       c.attempts + c.reports AS events,
       e.recipients,
       c.attempts
FROM (SELECT date(time, 'unixepoch') AS day, provider, action, reason, stream, trusted,
             sum(attempts) AS attempts, sum(reports) AS reports
      FROM counted GROUP BY 1, 2, 3, 4, 5, 6) c
LEFT JOIN reason r ON r.name = c.reason
LEFT JOIN (SELECT date(time, 'unixepoch') AS day, coalesce(provider, '') AS provider, action, reason,
                  stream, trusted, count(DISTINCT address) AS recipients
           FROM event GROUP BY 1, 2, 3, 4, 5, 6) e
    ON e.day = c.day AND e.provider = c.provider AND e.action = c.action AND e.reason = c.reason
       AND e.stream = c.stream AND e.trusted = c.trusted
WHERE c.attempts <> 0 OR c.reports <> 0;

CREATE VIEW v_provider_health AS
SELECT day,
       nullif(provider, '') AS provider,
       attempts,
       delivered,
       deferred,
       failed,
       failed_address,
       failed_domain,
       failed_reputation,
       failed_authentication,
       failed_content,
       failed_rate,
       failed_policy,
       failed_remote,
       failed - failed_address - failed_domain - failed_reputation - failed_authentication
           - failed_content - failed_rate - failed_policy - failed_remote AS failed_other,
       deferred_reputation,
       deferred_rate,
       deferred_remote,
       returned,
       complaints,
       round(1.0 * delivered / nullif(attempts, 0), 4) AS share_delivered,
       round(1.0 * deferred / nullif(attempts, 0), 4) AS share_deferred,
       round(1.0 * failed / nullif(attempts, 0), 4) AS share_failed,
       round(1.0 * failed_address / nullif(attempts, 0), 4) AS share_failed_address,
       round(1.0 * complaints / nullif(delivered, 0), 6) AS share_complaints
FROM (SELECT date(c.time, 'unixepoch') AS day,
             c.provider,
             sum(iif(c.action IN ('delivered', 'delayed', 'failed'), c.attempts, 0)) AS attempts,
             sum(iif(c.action = 'delivered', c.attempts, 0)) AS delivered,
             sum(iif(c.action = 'delayed', c.attempts, 0)) AS deferred,
             sum(iif(c.action = 'failed', c.attempts, 0)) AS failed,
             sum(iif(c.action = 'failed' AND r.family = 'address', c.attempts, 0)) AS failed_address,
             sum(iif(c.action = 'failed' AND r.family = 'domain', c.attempts, 0)) AS failed_domain,
             sum(iif(c.action = 'failed' AND r.family = 'reputation', c.attempts, 0)) AS failed_reputation,
             sum(iif(c.action = 'failed' AND r.family = 'authentication', c.attempts, 0)) AS failed_authentication,
             sum(iif(c.action = 'failed' AND r.family = 'content', c.attempts, 0)) AS failed_content,
             sum(iif(c.action = 'failed' AND r.family = 'rate', c.attempts, 0)) AS failed_rate,
             sum(iif(c.action = 'failed' AND r.family IN ('policy', 'sender'), c.attempts, 0)) AS failed_policy,
             sum(iif(c.action = 'failed' AND r.family IN ('remote', 'network'), c.attempts, 0)) AS failed_remote,
             sum(iif(c.action = 'delayed' AND r.family = 'reputation', c.attempts, 0)) AS deferred_reputation,
             sum(iif(c.action = 'delayed' AND r.family = 'rate', c.attempts, 0)) AS deferred_rate,
             sum(iif(c.action = 'delayed' AND r.family IN ('remote', 'network'), c.attempts, 0)) AS deferred_remote,
             sum(iif(c.action = 'failed', c.reports, 0)) AS returned,
             sum(iif(c.action = 'complaint' AND c.reason <> 'not-spam', c.reports, 0)) AS complaints
      FROM counted c LEFT JOIN reason r ON r.name = c.reason
      WHERE c.trusted = 1 GROUP BY 1, 2)
WHERE attempts <> 0 OR returned <> 0 OR complaints <> 0;

-- Who has told of the result that a row rests on.
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
       e.told_by
FROM suppression s
LEFT JOIN reason r ON r.name = s.reason
LEFT JOIN event e ON e.id = s.event
LEFT JOIN reply p ON p.id = e.reply
LEFT JOIN ruleset v ON v.id = e.ruleset;

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
       EXISTS (SELECT 1 FROM suppression s WHERE s.key = a.key) AS suppressed,
       e.told_by AS last_told_by
FROM bounce b
JOIN address a ON a.id = b.address
JOIN event e ON e.id = b.last_event
LEFT JOIN reply p ON p.id = e.reply;
