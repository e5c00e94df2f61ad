-- Accounts that a provider refuses as a whole, each by a keyed digest of its secrets; senders say which
-- providers they know, and what keeps them from one. accepted_at: an account that works beside a refused one.

CREATE TABLE IF NOT EXISTS provider_account_breakers (
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  account      CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  open_until   DATETIME(6) NOT NULL,
  accepted_at  DATETIME(6) NULL,
  opened_at    DATETIME(6) NOT NULL,
  opened_by    VARCHAR(64) CHARACTER SET ascii NOT NULL,
  times_opened INT UNSIGNED NOT NULL DEFAULT 1,
  PRIMARY KEY (provider, account)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'sender_heartbeats' AND COLUMN_NAME = 'providers') = 0,
  'ALTER TABLE sender_heartbeats ADD COLUMN providers TEXT NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
