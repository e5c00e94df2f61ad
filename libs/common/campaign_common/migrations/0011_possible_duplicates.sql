-- Sends that a provider which is not idempotent was given again after a doubt, by campaign, shard and
-- provider, written with the ledger.
CREATE TABLE IF NOT EXISTS possible_duplicates (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  shard        SMALLINT UNSIGNED NOT NULL,
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  n            BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (campaign_id, shard, provider)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
