-- A moment before which a message in doubt was not sent, by the clock of this server: what a provider knows of
-- its idempotency key counts from there. NULL: not known, as of a claim of 0.2.0.

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'possibly_sent' AND COLUMN_NAME = 'sent_after') = 0,
  'ALTER TABLE possibly_sent ADD COLUMN sent_after DATETIME(6) NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
