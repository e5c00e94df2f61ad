-- Campaigns, their recipients and the rows that coordinate schedulers and senders.
-- The tables that exist once per shard (messages_N, message_retries_N) are made by
-- campaign_common.store.shard_tables, because their number is configuration.

CREATE TABLE IF NOT EXISTS recipient_lists (
  id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  name         VARCHAR(255) NOT NULL,
  state        VARCHAR(16) CHARACTER SET ascii NOT NULL,
  sha256       CHAR(64) CHARACTER SET ascii NULL,
  has_name     BOOLEAN NOT NULL DEFAULT TRUE,
  attribute_columns JSON NULL,
  accepted     INT UNSIGNED NOT NULL DEFAULT 0,
  duplicates   INT UNSIGNED NOT NULL DEFAULT 0,
  rejected     INT UNSIGNED NOT NULL DEFAULT 0,
  last_seq     INT UNSIGNED NOT NULL DEFAULT 0,
  created_at   DATETIME(6) NOT NULL,
  progressed_at DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY by_state (state, progressed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS recipients (
  list_id      BIGINT UNSIGNED NOT NULL,
  seq          INT UNSIGNED NOT NULL,
  phone        VARCHAR(15) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name         VARCHAR(255) NOT NULL,
  attributes   JSON NULL,
  erased_shard SMALLINT UNSIGNED NULL,
  erased_shard_count SMALLINT UNSIGNED NULL,
  PRIMARY KEY (list_id, seq),
  UNIQUE KEY by_phone (phone, list_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS recipient_rejects (
  list_id      BIGINT UNSIGNED NOT NULL,
  line         INT UNSIGNED NOT NULL,
  reason       VARCHAR(255) NOT NULL,
  raw_text     VARCHAR(2000) NOT NULL,
  PRIMARY KEY (list_id, line)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS campaigns (
  id             BIGINT UNSIGNED NOT NULL,
  name           VARCHAR(255) NOT NULL,
  template       TEXT NOT NULL,
  list_id        BIGINT UNSIGNED NOT NULL,
  request_digest CHAR(64) CHARACTER SET ascii NULL,
  delivery       VARCHAR(16) CHARACTER SET ascii NOT NULL,
  provider       VARCHAR(64) CHARACTER SET ascii NOT NULL,
  state          VARCHAR(16) CHARACTER SET ascii NOT NULL,
  failure_reason VARCHAR(255) NULL,
  scheduled_at   DATETIME(6) NULL,
  expires_after  INT UNSIGNED NULL,
  expires_at     DATETIME(6) NULL,
  epoch          INT UNSIGNED NOT NULL DEFAULT 0,
  shards         SMALLINT UNSIGNED NULL,
  last_seq       INT UNSIGNED NULL,
  total          INT UNSIGNED NULL,
  published_seq  INT UNSIGNED NOT NULL DEFAULT 0,
  published_count INT UNSIGNED NOT NULL DEFAULT 0,
  lease_owner    VARCHAR(64) CHARACTER SET ascii NULL,
  lease_until    DATETIME(6) NULL,
  lease_epoch    INT UNSIGNED NOT NULL DEFAULT 0,
  republications SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  created_at     DATETIME(6) NOT NULL,
  started_at     DATETIME(6) NULL,
  finished_at    DATETIME(6) NULL,
  retried_at     DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY by_due (state, scheduled_at),
  KEY by_lease (state, lease_until),
  KEY by_list (list_id),
  KEY by_creation (created_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS campaign_counters (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  shard        SMALLINT UNSIGNED NOT NULL,
  status       TINYINT UNSIGNED NOT NULL,
  n            INT NOT NULL,
  PRIMARY KEY (campaign_id, shard, status)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS campaign_events (
  id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  campaign_id  BIGINT UNSIGNED NOT NULL,
  at           DATETIME(6) NOT NULL,
  actor        VARCHAR(64) NOT NULL,
  from_state   VARCHAR(16) CHARACTER SET ascii NULL,
  to_state     VARCHAR(16) CHARACTER SET ascii NULL,
  reason       VARCHAR(255) NULL,
  PRIMARY KEY (id),
  KEY by_campaign (campaign_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row per topic: which partition carries which shard (protocol rule 11).
CREATE TABLE IF NOT EXISTS partition_map (
  topic        VARCHAR(249) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  topic_id     VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version      INT UNSIGNED NOT NULL,
  partitions   INT UNSIGNED NOT NULL,
  state        VARCHAR(16) CHARACTER SET ascii NOT NULL,
  start_offsets JSON NOT NULL,
  changed_at   DATETIME(6) NOT NULL,
  PRIMARY KEY (topic)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row per shard: who owns it and what that owner has claimed (protocol rule 2).
CREATE TABLE IF NOT EXISTS shard_claims (
  shard              SMALLINT UNSIGNED NOT NULL,
  epoch              BIGINT UNSIGNED NOT NULL DEFAULT 0,
  owner_token        BINARY(16) NOT NULL,
  owner_name         VARCHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '',
  transaction_number BIGINT UNSIGNED NOT NULL DEFAULT 0,
  claimed            MEDIUMBLOB NOT NULL,
  topic_id           VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
  partition_number   INT NOT NULL DEFAULT -1,
  map_version        INT UNSIGNED NOT NULL DEFAULT 0,
  recorded_offset    BIGINT NOT NULL DEFAULT -1,
  updated_at         DATETIME(6) NOT NULL,
  PRIMARY KEY (shard)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Orders to the owner of a shard, applied before any call (protocol, "request row").
CREATE TABLE IF NOT EXISTS shard_commands (
  id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  shard        SMALLINT UNSIGNED NOT NULL,
  campaign_id  BIGINT UNSIGNED NOT NULL,
  kind         VARCHAR(16) CHARACTER SET ascii NOT NULL,
  arguments    JSON NOT NULL,
  requested_at DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY by_shard (shard, id),
  KEY by_campaign (campaign_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Calls that a lost sender may have made (protocol rule 3).
CREATE TABLE IF NOT EXISTS possibly_sent (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  seq          INT UNSIGNED NOT NULL,
  try_number   SMALLINT UNSIGNED NOT NULL,
  generation   SMALLINT UNSIGNED NOT NULL,
  shard        SMALLINT UNSIGNED NOT NULL,
  created_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  PRIMARY KEY (campaign_id, seq, try_number, generation)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Outcomes learnt by a sender that had lost its shard meanwhile (protocol rule 14).
CREATE TABLE IF NOT EXISTS late_results (
  id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  shard        SMALLINT UNSIGNED NOT NULL,
  campaign_id  BIGINT UNSIGNED NOT NULL,
  seq          INT UNSIGNED NOT NULL,
  generation   SMALLINT UNSIGNED NOT NULL,
  try_number   SMALLINT UNSIGNED NOT NULL,
  status       TINYINT UNSIGNED NOT NULL,
  provider_message_id VARCHAR(128) CHARACTER SET ascii NULL,
  error_code   VARCHAR(32) CHARACTER SET ascii NULL,
  created_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
  PRIMARY KEY (id),
  KEY by_message (campaign_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Providers that are being left alone for a while; every sender and scheduler looks here.
CREATE TABLE IF NOT EXISTS provider_breakers (
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  open_until   DATETIME(6) NOT NULL,
  opened_at    DATETIME(6) NOT NULL,
  opened_by    VARCHAR(64) CHARACTER SET ascii NOT NULL,
  times_opened INT UNSIGNED NOT NULL DEFAULT 1,
  PRIMARY KEY (provider)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
