-- Content other than plain text, as campaign_common.store.core.contents has it; NULL for a plain text.
-- `content_provider` is the provider of a test message with such content: `provider` is empty
-- then, so that senders of 0.2.0 leave the message to newer ones.

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'campaigns' AND COLUMN_NAME = 'content') = 0,
  'ALTER TABLE campaigns ADD COLUMN content JSON NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'trial_messages' AND COLUMN_NAME = 'content') = 0,
  'ALTER TABLE trial_messages ADD COLUMN content JSON NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'trial_messages'
   AND COLUMN_NAME = 'content_provider') = 0,
  'ALTER TABLE trial_messages ADD COLUMN content_provider VARCHAR(64) CHARACTER SET ascii NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
