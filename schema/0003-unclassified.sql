-- Replies that no rule, status or code tells the reason of: what to write rules for.
CREATE VIEW v_unclassified AS
SELECT p.text AS reply,
       e.provider,
       e.code,
       e.status,
       count(*) AS events,
       count(DISTINCT e.address) AS recipients,
       min(e.time) AS first,
       max(e.time) AS last,
       datetime(max(e.time), 'unixepoch') AS last_utc
FROM event e
JOIN reply p ON p.id = e.reply
WHERE e.reason = 'unclassified' AND e.action IN ('failed', 'delayed')
GROUP BY p.id, e.provider, e.code, e.status;
