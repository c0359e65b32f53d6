-- What one person asked for at once: undone as one.
CREATE TABLE change_set (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    time   INTEGER NOT NULL,
    who    TEXT NOT NULL,
    what   TEXT NOT NULL,           -- add, remove, allow, disallow, import, reclassify, incident, undo or erase
    note   TEXT NOT NULL,
    undoes INTEGER REFERENCES change_set
);
CREATE UNIQUE INDEX change_set_undoes ON change_set (undoes) WHERE undoes IS NOT NULL;

-- What of it was done in one transaction. One writer: the rows that belong to it
-- follow each other, in change and in former alike, behind "after" up to "last".
CREATE TABLE change_part (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    change_set   INTEGER NOT NULL REFERENCES change_set,
    after_change INTEGER NOT NULL,
    last_change  INTEGER NOT NULL,
    after_former INTEGER NOT NULL,
    last_former  INTEGER NOT NULL,
    suppressed   INTEGER NOT NULL,  -- how many ...
    released     INTEGER NOT NULL,
    skipped      INTEGER NOT NULL,  -- ... and how many had changed meanwhile, and were left alone
    undoes       INTEGER REFERENCES change_part
);
CREATE INDEX change_part_last ON change_part (last_change);
CREATE INDEX change_part_set ON change_part (change_set);
CREATE UNIQUE INDEX change_part_undoes ON change_part (undoes) WHERE undoes IS NOT NULL;

-- What a row was before a change set wrote or deleted it. The writer fills this by
-- triggers of its connection, which know the columns of the day. A row that was
-- not there before has none: change names it.
CREATE TABLE former (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    time  INTEGER NOT NULL DEFAULT (unixepoch()), -- of the machine's clock; tells rows from those of address, too (repair)
    place TEXT NOT NULL,            -- its table
    key   TEXT NOT NULL,            -- the recipient or domain that it is about; "": none
    row   TEXT NOT NULL             -- a JSON object
);
CREATE INDEX former_key ON former (key);

-- A change set that is being prepared: it does nothing until it is applied.
CREATE TABLE staged (
    token  INTEGER NOT NULL,        -- chosen by whoever prepares it
    key    TEXT NOT NULL,
    stream TEXT NOT NULL,
    reason TEXT,                    -- NULL: release
    event  INTEGER NOT NULL,
    until  INTEGER,
    trial  INTEGER,
    policy TEXT NOT NULL,
    note   TEXT NOT NULL,
    time   INTEGER NOT NULL,
    PRIMARY KEY (token, key, stream)
) WITHOUT ROWID;

-- Rows of change are only ever added; erasing a person is the one exception.
CREATE TRIGGER change_is_never_updated BEFORE UPDATE ON change
WHEN NOT EXISTS (SELECT 1 FROM fact WHERE name = 'erasing')
BEGIN
    SELECT RAISE(ABORT, 'a change on record is never overwritten');
END;
CREATE TRIGGER change_is_never_replaced BEFORE INSERT ON change
WHEN EXISTS (SELECT 1 FROM change WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'a change on record is never overwritten');
END;
CREATE TRIGGER change_is_never_deleted BEFORE DELETE ON change
WHEN NOT EXISTS (SELECT 1 FROM fact WHERE name = 'erasing')
BEGIN
    SELECT RAISE(ABORT, 'a change on record is never deleted');
END;

-- Pruning asks for each old event who needs it, and for each text and address
-- that it leaves whether anybody else does.
CREATE INDEX change_event ON change (event) WHERE event IS NOT NULL;
CREATE INDEX suppression_event ON suppression (event) WHERE event IS NOT NULL;
CREATE INDEX bounce_event ON bounce (last_event);
CREATE INDEX event_reply ON event (reply) WHERE reply IS NOT NULL;
CREATE INDEX event_unproven ON event (time) WHERE trusted = 0;
CREATE INDEX held_event ON held (event) WHERE event IS NOT NULL;
CREATE INDEX held_changed ON held (changed) WHERE state <> 'held';
-- Who is erased is looked for among those that are decided, too.
DROP INDEX held_undecided;
CREATE INDEX held_key ON held (key);

CREATE VIEW v_changes AS
SELECT c.id AS change,
       c.time,
       datetime(c.time, 'unixepoch') AS time_utc,
       c.who,
       c.what,
       c.key AS recipient,
       c.stream,
       c.reason,
       c.until,
       c.origin,
       c.note,
       c.event,
       p.text AS reply,
       e.rule,
       e.sentence,
       s.id AS change_set,
       s.what AS change_set_what,
       u.id AS undone_by
FROM change c
LEFT JOIN event e ON e.id = c.event
LEFT JOIN reply p ON p.id = e.reply
LEFT JOIN change_part t ON t.after_change < c.id
    AND t.id = (SELECT l.id FROM change_part l WHERE l.last_change >= c.id ORDER BY l.last_change, l.id LIMIT 1)
LEFT JOIN change_set s ON s.id = t.change_set
LEFT JOIN change_set u ON u.undoes = s.id;
