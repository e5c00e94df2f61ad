ALTER TABLE recipient_lists DROP COLUMN header;
