-- How far the systemd journal has been read: the cursor of its last entry; '' of a file.
ALTER TABLE follow ADD COLUMN cursor TEXT NOT NULL DEFAULT '';
