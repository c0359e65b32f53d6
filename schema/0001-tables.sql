-- The tables behind the views. They may change by migration; read the views.
-- Times are Unix seconds, UTC.

-- The taxonomy, written anew at every start from classifier/reason.c.
CREATE TABLE reason (
    name        TEXT PRIMARY KEY,
    family      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    persistence TEXT NOT NULL,
    hygiene     TEXT NOT NULL,
    means       TEXT NOT NULL,
    todo        TEXT NOT NULL
) WITHOUT ROWID;

-- Facts about this database itself: address_form is "folded" or "strict".
CREATE TABLE fact (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE ruleset (
    id         INTEGER PRIMARY KEY,
    version    TEXT NOT NULL UNIQUE,
    first_used INTEGER NOT NULL
);

-- Recipients by the form in which they are compared.
CREATE TABLE address (
    id     INTEGER PRIMARY KEY,
    key    TEXT NOT NULL UNIQUE,
    given  TEXT NOT NULL,           -- as first seen
    domain TEXT NOT NULL
);
CREATE INDEX address_domain ON address (domain);

-- Reply texts, each kept once; hash finds them (an index over the texts would
-- hold them twice).
CREATE TABLE reply (
    id   INTEGER PRIMARY KEY,
    hash INTEGER NOT NULL,         -- FNV-1a, 64 bits, of text
    text TEXT NOT NULL
);
CREATE INDEX reply_hash ON reply (hash);

-- One delivery result of one recipient of one message, with its verdict and
-- decision. However often it is reported it is one event: message_key is the
-- queue id at the reporting MTA or, where that is not known, what else tells
-- messages apart. A report without proof never stands in for a proven one.
CREATE TABLE event (
    id                 INTEGER PRIMARY KEY,
    time               INTEGER NOT NULL,  -- of the attempt, as reported
    recorded           INTEGER NOT NULL,
    address            INTEGER NOT NULL REFERENCES address,
    original_recipient TEXT,
    action             TEXT NOT NULL,
    reason             TEXT NOT NULL,
    persistence        TEXT NOT NULL,
    rule               TEXT,
    ruleset            INTEGER NOT NULL REFERENCES ruleset,
    provider           TEXT,
    code               INTEGER,
    status             TEXT,
    stage              TEXT,
    reply              INTEGER REFERENCES reply,
    reporting_mta      TEXT NOT NULL,
    remote_mta         TEXT,
    message_key        TEXT NOT NULL,
    queue_id           TEXT,
    message_id         TEXT,
    sender             TEXT,
    stream             TEXT NOT NULL,
    source             TEXT NOT NULL,
    evidence           TEXT NOT NULL,
    trusted            INTEGER NOT NULL,  -- 1: evidence is local or proved
    decision           TEXT NOT NULL,     -- none, count, suppress, repeated, unproven
    sentence           TEXT NOT NULL,     -- why this decision
    witnesses          INTEGER NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX event_once ON event (message_key, address, action, reporting_mta, trusted);
CREATE INDEX event_address ON event (address, time);
CREATE INDEX event_time ON event (time);

-- The hard-bounce record: final failures of a recipient by trusted evidence.
CREATE TABLE bounce (
    address    INTEGER PRIMARY KEY REFERENCES address,
    hard       INTEGER NOT NULL,  -- failures that were the recipient's or its domain's for good
    other      INTEGER NOT NULL,  -- all other final failures
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    last_event INTEGER NOT NULL REFERENCES event
);

-- Who is refused now. key is an address, or "@" and a domain.
CREATE TABLE suppression (
    key    TEXT NOT NULL,
    stream TEXT NOT NULL,          -- "" is every stream
    reason TEXT NOT NULL,
    since  INTEGER NOT NULL,
    until  INTEGER,                -- NULL: for good
    origin TEXT NOT NULL,          -- automatic or manual
    event  INTEGER REFERENCES event,
    note   TEXT NOT NULL,
    PRIMARY KEY (key, stream)
) WITHOUT ROWID;
CREATE INDEX suppression_since ON suppression (since);

-- Every change of a suppression; rows are only ever added.
CREATE TABLE change (
    id     INTEGER PRIMARY KEY,
    time   INTEGER NOT NULL,
    who    TEXT NOT NULL,          -- "hygiene", or the user that asked
    what   TEXT NOT NULL,          -- suppress or release
    key    TEXT NOT NULL,
    stream TEXT NOT NULL,
    reason TEXT NOT NULL,
    until  INTEGER,
    origin TEXT NOT NULL,
    event  INTEGER REFERENCES event,
    note   TEXT NOT NULL
);
CREATE INDEX change_key ON change (key);

-- The journal of submitted messages, to match with what comes back.
CREATE TABLE sent (
    id         INTEGER PRIMARY KEY,
    time       INTEGER NOT NULL,
    queue_id   TEXT NOT NULL,
    message_id TEXT,
    sender     TEXT NOT NULL,
    stream     TEXT NOT NULL
);
CREATE INDEX sent_queue_id ON sent (queue_id);
CREATE INDEX sent_message_id ON sent (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX sent_time ON sent (time);
CREATE TABLE sent_recipient (
    sent INTEGER NOT NULL REFERENCES sent ON DELETE CASCADE,
    key  TEXT NOT NULL,
    PRIMARY KEY (sent, key)
) WITHOUT ROWID;

-- Reports that could not be understood.
CREATE TABLE aside (
    id       INTEGER PRIMARY KEY,
    time     INTEGER NOT NULL,
    source   TEXT NOT NULL,
    evidence TEXT NOT NULL,
    problem  TEXT NOT NULL,
    sender   TEXT NOT NULL,
    size     INTEGER NOT NULL,
    bytes    BLOB NOT NULL
);
