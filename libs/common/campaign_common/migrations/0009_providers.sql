-- Breakers of an account that a provider refuses as a whole hold senders with the same secret (NULL: all
-- senders); senders say which providers they know, and what keeps them from one.

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'provider_breakers' AND COLUMN_NAME = 'account') = 0,
  'ALTER TABLE provider_breakers ADD COLUMN account CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'sender_heartbeats' AND COLUMN_NAME = 'providers') = 0,
  'ALTER TABLE sender_heartbeats ADD COLUMN providers TEXT NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
