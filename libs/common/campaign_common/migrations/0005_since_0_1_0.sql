-- What version 0.1.0 lacks in the tables of 0001_campaigns; later versions made them with it. Each
-- change is made where it is missing, so that a migration that was killed half way can be repeated.
-- Services of 0.1.0 go on beside it: new columns are empty, or have a default.

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'recipient_lists' AND COLUMN_NAME = 'has_name') = 0,
  'ALTER TABLE recipient_lists
   ADD COLUMN has_name BOOLEAN NOT NULL DEFAULT TRUE',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'recipients' AND COLUMN_NAME = 'erased_shard') = 0,
  'ALTER TABLE recipients
   ADD COLUMN erased_shard SMALLINT UNSIGNED NULL,
   ADD COLUMN erased_shard_count SMALLINT UNSIGNED NULL',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'campaigns' AND COLUMN_NAME = 'retried_at') = 0,
  'ALTER TABLE campaigns
   ADD COLUMN expires_after INT UNSIGNED NULL,
   ADD COLUMN retried_at DATETIME(6) NULL',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.STATISTICS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'campaigns' AND INDEX_NAME = 'by_creation') = 0,
  'ALTER TABLE campaigns
   ADD KEY by_creation (created_at, id)',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;
