-- Receipts beside the ledger: tables receipts_N are made with those of their shards. Here: how many there are, by
-- what the ledger says of their messages (0 open, 1 sent, 2 otherwise) and by rank (1 accepted, 2 sent,
-- 3 undelivered, 4 delivered, 5 read).
CREATE TABLE IF NOT EXISTS receipt_counters (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  shard        SMALLINT UNSIGNED NOT NULL,
  state        TINYINT UNSIGNED NOT NULL,
  receipt_rank TINYINT UNSIGNED NOT NULL,
  n            INT NOT NULL,
  PRIMARY KEY (campaign_id, shard, state, receipt_rank)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The receipts that are open, since when, and from when on they are looked at (again).
CREATE TABLE IF NOT EXISTS open_receipts (
  shard        SMALLINT UNSIGNED NOT NULL,
  campaign_id  BIGINT UNSIGNED NOT NULL,
  seq          INT UNSIGNED NOT NULL,
  since        DATETIME(6) NOT NULL,
  look_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (shard, campaign_id, seq),
  KEY by_look (look_at),
  KEY by_campaign (campaign_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
