-- How far each followed log has been read: written together with what was read.
CREATE TABLE follow (
    path        TEXT PRIMARY KEY,
    device      INTEGER NOT NULL,
    inode       INTEGER NOT NULL,
    offset      INTEGER NOT NULL,
    head_length INTEGER NOT NULL,  -- of the file's first bytes ...
    head_hash   INTEGER NOT NULL,  -- ... this is the FNV-1a, 64 bits
    time        INTEGER NOT NULL
) WITHOUT ROWID;
