-- The journal of submitted messages as proof of sending, and smaller: nobody
-- reads the sender, and an index over Message-IDs holds them twice.
ALTER TABLE sent DROP COLUMN sender;
ALTER TABLE sent ADD COLUMN hash INTEGER;  -- of message_id: the lower 48 bits of its FNV-1a
ALTER TABLE sent ADD COLUMN tag INTEGER;   -- the recipients' part of the signed envelope sender (daemon/tag.h)
-- 1: it had further recipients, which sent_recipient does not name.
ALTER TABLE sent ADD COLUMN several INTEGER NOT NULL DEFAULT 0;
DROP INDEX sent_message_id;
CREATE INDEX sent_hash ON sent (hash) WHERE hash IS NOT NULL;
CREATE INDEX sent_tag ON sent (tag) WHERE tag IS NOT NULL;
