-- Reports kept aside: each once however often it comes, and compressed. bytes is
-- in zlib's format where that is shorter than size, else the message as it came:
-- what sqlar_uncompress(bytes, size) of the sqlite3 shell reads. A number is never
-- given twice, for people name messages by it when they drop them.
ALTER TABLE aside RENAME TO aside_before;
CREATE TABLE aside (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    time     INTEGER NOT NULL,  -- it came first ...
    last     INTEGER NOT NULL,  -- ... and last
    count    INTEGER NOT NULL DEFAULT 1,
    source   TEXT NOT NULL,
    evidence TEXT NOT NULL,
    problem  TEXT NOT NULL,
    sender   TEXT NOT NULL,
    queue_id TEXT,              -- of the report, at our MTA
    size     INTEGER NOT NULL,
    bytes    BLOB NOT NULL,
    hash     INTEGER            -- FNV-1a, 64 bits, of what repeats
);
CREATE INDEX aside_hash ON aside (hash);
INSERT INTO aside (id, time, last, source, evidence, problem, sender, size, bytes)
SELECT id, time, time, source, evidence, problem, sender, size, bytes FROM aside_before;
DROP TABLE aside_before;
