-- Breakers of an account that a provider refuses as a whole: they hold senders with the same secret.
-- NULL: a breaker that holds all senders.

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'provider_breakers' AND COLUMN_NAME = 'account') = 0,
  'ALTER TABLE provider_breakers ADD COLUMN account CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
