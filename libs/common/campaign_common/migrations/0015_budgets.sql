-- The budget of a campaign, and how much of it senders hold or have used. Campaigns without one have no row.
CREATE TABLE IF NOT EXISTS campaign_budgets (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  currency     CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount       DECIMAL(30, 6) NOT NULL,
  taken        DECIMAL(30, 6) NOT NULL DEFAULT 0,
  PRIMARY KEY (campaign_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Why a provider is left alone, and the end of the opening that this is about: senders of 0.2.0 open again
-- without it. NULL after failures.
SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'provider_breakers' AND COLUMN_NAME = 'reason') = 0,
  'ALTER TABLE provider_breakers ADD COLUMN reason VARCHAR(16) CHARACTER SET ascii NULL, ADD COLUMN reason_until DATETIME(6) NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
