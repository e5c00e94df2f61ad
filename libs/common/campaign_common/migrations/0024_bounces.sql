-- Campaigns whose receipts have a time, and when to look next for those that did not come.
CREATE TABLE IF NOT EXISTS receipt_looks (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  look_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (campaign_id),
  KEY by_look (look_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Messages that were not delivered, with a code of a hard bounce, and when to look at their people.
CREATE TABLE IF NOT EXISTS bounced_receipts (
  shard        SMALLINT UNSIGNED NOT NULL,
  campaign_id  BIGINT UNSIGNED NOT NULL,
  seq          INT UNSIGNED NOT NULL,
  look_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (shard, campaign_id, seq),
  KEY by_look (look_at),
  KEY by_campaign (campaign_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
