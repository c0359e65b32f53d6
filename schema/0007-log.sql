-- How far the systemd journal has been read: the cursor of its last entry; '' of a file.
ALTER TABLE follow ADD COLUMN cursor TEXT NOT NULL DEFAULT '';
-- Where in the file reading began.
ALTER TABLE follow ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

-- What has been read of each log file, whether it was followed or ingested: so
-- that no line counts twice. A file is known by its first bytes, under
-- whatever name and compressed or not; of a file there may be several parts.
CREATE TABLE log_read (
    head_hash   INTEGER NOT NULL,  -- as in follow
    head_length INTEGER NOT NULL,
    since       INTEGER NOT NULL,  -- offset of the first byte read ...
    upto        INTEGER NOT NULL,  -- ... and of the first one that was not
    time        INTEGER NOT NULL,
    PRIMARY KEY (head_hash, head_length, since)
) WITHOUT ROWID;
