-- Messages by the id that their provider gave them, for providers whose callbacks carry no reference, on the server of
-- each shard: a row is written with the outcome of its message. The rows of a day lie together, and go in slices once
-- they are older than Receipts.KeepFor. Services of earlier versions use none of this.
CREATE TABLE IF NOT EXISTS provider_ids (
  day          DATE NOT NULL,
  id_hash      BINARY(8) NOT NULL,
  campaign_id  BIGINT UNSIGNED NOT NULL,
  seq          INT UNSIGNED NOT NULL,
  shard        SMALLINT UNSIGNED NOT NULL,
  generation   SMALLINT UNSIGNED NOT NULL,
  PRIMARY KEY (day, id_hash, campaign_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Reports by such an id that no message has yet: those of a fast gateway come before the outcome is recorded.
CREATE TABLE IF NOT EXISTS early_receipts (
  id_hash      BINARY(8) NOT NULL,
  receipt_rank TINYINT UNSIGNED NOT NULL,
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  code         VARCHAR(32) CHARACTER SET ascii NULL,
  reported_at  DATETIME(6) NULL,
  since        DATETIME(6) NOT NULL,
  look_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (id_hash, receipt_rank),
  KEY by_look (look_at),
  KEY by_since (since)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The receipt of a test message.
SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'trial_messages' AND COLUMN_NAME = 'receipt_rank') = 0,
  'ALTER TABLE trial_messages ADD COLUMN receipt_rank TINYINT UNSIGNED NULL,
     ADD COLUMN receipt_code VARCHAR(32) CHARACTER SET ascii NULL, ADD COLUMN reported_at DATETIME(6) NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
