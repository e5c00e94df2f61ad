-- Where the columns of a recipient list come from: given, found or none, as campaign_api's Header has
-- it; NULL for a list that was imported before. A column cannot be added IF NOT EXISTS on MySQL.

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'recipient_lists' AND COLUMN_NAME = 'header') = 0,
  'ALTER TABLE recipient_lists ADD COLUMN header VARCHAR(8) CHARACTER SET ascii NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
