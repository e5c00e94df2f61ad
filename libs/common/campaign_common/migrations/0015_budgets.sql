-- The budget of a campaign, and how much of it senders hold or have used. Campaigns without one have no row.
CREATE TABLE IF NOT EXISTS campaign_budgets (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  currency     CHAR(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  amount       DECIMAL(30, 6) NOT NULL,
  taken        DECIMAL(30, 6) NOT NULL DEFAULT 0,
  PRIMARY KEY (campaign_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
