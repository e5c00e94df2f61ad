-- Campaigns that were deleted because they had been over for long: what is kept of each. The row is
-- written in the transaction that deletes the campaign's own; `emptied_at` is NULL until everything
-- else of it is gone, too.

CREATE TABLE IF NOT EXISTS purged_campaigns (
  id             BIGINT UNSIGNED NOT NULL,
  name           VARCHAR(255) NOT NULL,
  state          VARCHAR(16) CHARACTER SET ascii NOT NULL,
  list_id        BIGINT UNSIGNED NOT NULL,
  list_sha256    CHAR(64) CHARACTER SET ascii NULL,
  request_digest CHAR(64) CHARACTER SET ascii NULL,
  shards         SMALLINT UNSIGNED NULL,
  total          INT UNSIGNED NULL,
  outcomes       JSON NOT NULL,
  created_at     DATETIME(6) NOT NULL,
  started_at     DATETIME(6) NULL,
  over_since     DATETIME(6) NOT NULL,
  actor          VARCHAR(64) NOT NULL,
  purged_at      DATETIME(6) NOT NULL,
  emptied_at     DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY by_end (emptied_at),
  KEY by_list (list_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
