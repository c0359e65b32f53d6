-- The views are an interface: a column that stands here keeps its name and
-- meaning. Each is documented column by column in schema/VIEWS.md.

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
       e.sentence
FROM suppression s
LEFT JOIN reason r ON r.name = s.reason
LEFT JOIN event e ON e.id = s.event
LEFT JOIN reply p ON p.id = e.reply
LEFT JOIN ruleset v ON v.id = e.ruleset;

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
       EXISTS (SELECT 1 FROM suppression s WHERE s.key = a.key) AS suppressed
FROM bounce b
JOIN address a ON a.id = b.address
JOIN event e ON e.id = b.last_event
LEFT JOIN reply p ON p.id = e.reply;

CREATE VIEW v_daily AS
SELECT date(e.time, 'unixepoch') AS day,
       e.provider,
       e.action,
       e.reason,
       r.family,
       r.subject,
       e.stream,
       e.trusted,
       count(*) AS events,
       count(DISTINCT e.address) AS recipients
FROM event e
LEFT JOIN reason r ON r.name = e.reason
GROUP BY day, e.provider, e.action, e.reason, e.stream, e.trusted;
