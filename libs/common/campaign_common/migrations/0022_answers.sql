-- Answers to inbound messages, among the other single messages: purpose 2, with their provider in a column of its own,
-- so that senders of earlier versions pass them over. An inbound message has one answer at most.
SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'trial_messages' AND COLUMN_NAME = 'purpose') = 0,
  'ALTER TABLE trial_messages ADD COLUMN purpose TINYINT UNSIGNED NOT NULL DEFAULT 1',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'trial_messages' AND COLUMN_NAME = 'answer_provider') = 0,
  'ALTER TABLE trial_messages ADD COLUMN answer_provider VARCHAR(64) CHARACTER SET ascii NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'trial_messages' AND COLUMN_NAME = 'inbound_id') = 0,
  'ALTER TABLE trial_messages ADD COLUMN inbound_id BIGINT UNSIGNED NULL, ADD UNIQUE KEY by_inbound (inbound_id), ADD KEY by_phone (phone)',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

-- When a person was last answered to a keyword, so that the same one is not answered again at once.
CREATE TABLE IF NOT EXISTS answered_keywords (
  phone        VARCHAR(15) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  keyword      VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  answered_at  DATETIME(6) NOT NULL,
  PRIMARY KEY (phone, keyword),
  KEY by_time (answered_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
