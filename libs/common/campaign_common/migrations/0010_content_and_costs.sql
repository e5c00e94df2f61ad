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

-- What the messages of a campaign have cost, by shard and currency, written with the ledger. `cost` is
-- that of a message whose result came too late for the ledger.
CREATE TABLE IF NOT EXISTS campaign_costs (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  shard        SMALLINT UNSIGNED NOT NULL,
  currency     CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  segments     BIGINT UNSIGNED NOT NULL,
  amount       DECIMAL(30, 6) NOT NULL,
  PRIMARY KEY (campaign_id, shard, currency)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'late_results' AND COLUMN_NAME = 'cost') = 0,
  'ALTER TABLE late_results ADD COLUMN cost JSON NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
