-- Changes of taken that are not yet in it: as they came, many a row. A catch-up
-- with a long log says of thousands of addresses a second that they took mail;
-- each alone costs a page of taken. part: the first four bits of their hashes.
-- bytes: of each its hash (8 octets) and the day (4; 0x80000000: it is taken
-- out), big-endian. Later changes stand behind earlier ones.
CREATE TABLE taken_lately (
    part  INTEGER NOT NULL,
    id    INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (part, id)
) WITHOUT ROWID;
