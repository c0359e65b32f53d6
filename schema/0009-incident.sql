-- Addresses that have taken mail, by the hash of their key (FNV-1a, 64 bits):
-- a table of two integers, 19 bytes an address. day is that of the last
-- delivery, Unix days; an address that fails as dead is taken out.
CREATE TABLE taken (
    hash INTEGER PRIMARY KEY,
    day  INTEGER NOT NULL
);

-- A provider or a recipient's domain that departed from its own past.
CREATE TABLE incident (
    id        INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL,     -- provider-outage, reputation, ...
    scope     TEXT NOT NULL,     -- provider or domain
    name      TEXT NOT NULL,
    begun     INTEGER NOT NULL,  -- of the window in which it was seen
    opened    INTEGER NOT NULL,
    abnormal  INTEGER,           -- when it last was; NULL: open
    closed    INTEGER,           -- NULL: open
    closed_by TEXT,
    failures  INTEGER NOT NULL,  -- in that window ...
    usual     REAL NOT NULL      -- ... where so many were usual
);
CREATE INDEX incident_open ON incident (id) WHERE closed IS NULL;

-- Suppressions that are recorded and not enforced: they are not in suppression.
-- state: held while the incident is open; waiting for what the address does
-- next; confirmed by its next failure; dropped by a delivery or a person.
CREATE TABLE held (
    incident     INTEGER NOT NULL REFERENCES incident,
    key          TEXT NOT NULL,
    stream       TEXT NOT NULL,
    reason       TEXT NOT NULL,
    since        INTEGER NOT NULL,
    until        INTEGER,
    event        INTEGER REFERENCES event,
    level        INTEGER NOT NULL,
    trial        INTEGER,
    policy       TEXT NOT NULL,
    got_through  INTEGER NOT NULL,  -- 1: it was enforced before the incident was known
    failures     INTEGER NOT NULL,
    last_failure INTEGER NOT NULL,
    state        TEXT NOT NULL,
    changed      INTEGER NOT NULL,
    PRIMARY KEY (incident, key, stream)
) WITHOUT ROWID;
CREATE INDEX held_undecided ON held (key) WHERE state IN ('held', 'waiting');

-- What is seen of the scopes, as bytes of daemon/ledger/incident.c.
CREATE TABLE incident_state (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    time  INTEGER NOT NULL,
    bytes BLOB NOT NULL
);

CREATE VIEW v_incidents AS
SELECT i.id AS incident,
       i.kind,
       i.scope,
       i.name,
       i.begun,
       i.opened,
       datetime(i.opened, 'unixepoch') AS opened_utc,
       i.closed,
       datetime(i.closed, 'unixepoch') AS closed_utc,
       i.closed_by,
       i.failures,
       i.usual,
       count(h.key) AS concerned,
       coalesce(sum(h.got_through), 0) AS got_through,
       coalesce(sum(h.state = 'held'), 0) AS held,
       coalesce(sum(h.state = 'waiting'), 0) AS waiting,
       coalesce(sum(h.state = 'confirmed'), 0) AS confirmed,
       coalesce(sum(h.state = 'dropped'), 0) AS dropped
FROM incident i LEFT JOIN held h ON h.incident = i.id
GROUP BY i.id;
