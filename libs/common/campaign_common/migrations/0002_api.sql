-- What the API keeps for itself: who may ask, what was asked under which key, and orders to
-- other services that belong to no campaign's life.

CREATE TABLE IF NOT EXISTS api_keys (
  id           CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name         VARCHAR(64) NOT NULL,
  scope        VARCHAR(8) CHARACTER SET ascii NOT NULL,
  secret_sha256 BINARY(32) NOT NULL,
  created_at   DATETIME(6) NOT NULL,
  last_used_at DATETIME(6) NULL,
  revoked_at   DATETIME(6) NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A request under an Idempotency-Key; `effect` is what it did, written in the transaction that did
-- it, and `answered_at` is NULL until its answer is known. request_sha256 is NULL while the body
-- of an upload is still being read.
CREATE TABLE IF NOT EXISTS idempotency_keys (
  api_key_id   VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  idempotency_key VARCHAR(255) NOT NULL,
  request_sha256 BINARY(32) NULL,
  holder       BINARY(16) NOT NULL,
  locked_until DATETIME(6) NOT NULL,
  effect       JSON NULL,
  answered_at  DATETIME(6) NULL,
  status       SMALLINT UNSIGNED NULL,
  headers      JSON NULL,
  body         MEDIUMBLOB NULL,
  created_at   DATETIME(6) NOT NULL,
  PRIMARY KEY (api_key_id, idempotency_key),
  KEY by_age (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- How many messages of a running campaign had ended when: the rate over the last minute.
CREATE TABLE IF NOT EXISTS campaign_samples (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  sampled_at   DATETIME(6) NOT NULL,
  ended        INT UNSIGNED NOT NULL,
  PRIMARY KEY (campaign_id, sampled_at),
  KEY by_age (sampled_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Single messages that somebody sends to try a template out; a sender takes each once.
CREATE TABLE IF NOT EXISTS trial_messages (
  id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  campaign_id  BIGINT UNSIGNED NOT NULL,
  provider     VARCHAR(64) CHARACTER SET ascii NOT NULL,
  phone        VARCHAR(15) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  body         TEXT NOT NULL,
  actor        VARCHAR(64) NOT NULL,
  requested_at DATETIME(6) NOT NULL,
  taken_at     DATETIME(6) NULL,
  ended_at     DATETIME(6) NULL,
  status       TINYINT UNSIGNED NULL,
  provider_message_id VARCHAR(128) CHARACTER SET ascii NULL,
  error_code   VARCHAR(32) CHARACTER SET ascii NULL,
  PRIMARY KEY (id),
  KEY by_taken (taken_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- People who are to be forgotten; the number stands here until the dead letters are rid of it.
-- `last_list_id` is the newest list of that moment; `after_…` say how far the rejects are read.
CREATE TABLE IF NOT EXISTS erasures (
  id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  phone        VARCHAR(15) CHARACTER SET ascii COLLATE ascii_bin NULL,
  actor        VARCHAR(64) NOT NULL,
  requested_at DATETIME(6) NOT NULL,
  last_list_id BIGINT UNSIGNED NOT NULL,
  step         VARCHAR(16) CHARACTER SET ascii NOT NULL,
  after_list_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
  after_line   INT UNSIGNED NOT NULL DEFAULT 0,
  ended_at     DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY by_end (ended_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Sender processes that are alive say so here every few seconds.
CREATE TABLE IF NOT EXISTS sender_heartbeats (
  name         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  seen_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
