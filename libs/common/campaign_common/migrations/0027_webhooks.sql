-- Events that leave the system, those that they are posted to, and the log of what was posted. Services of earlier
-- versions do not use these tables: what happens in them while they still run beside newer ones is no event.
CREATE TABLE IF NOT EXISTS outgoing_events (
  id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  event_id   VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kind       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  data       TEXT NOT NULL,
  at         DATETIME(6) NOT NULL,
  is_shared  TINYINT NOT NULL DEFAULT 0,
  PRIMARY KEY (id),
  KEY by_shared (is_shared, id),
  KEY by_time (at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS webhooks (
  id               BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  url              VARCHAR(2048) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  kinds            TEXT CHARACTER SET ascii COLLATE ascii_bin NULL,
  enabled          TINYINT NOT NULL,
  disabled_reason  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
  secret           TEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  previous_secret  TEXT CHARACTER SET ascii COLLATE ascii_bin NULL,
  previous_until   DATETIME(6) NULL,
  created_by       VARCHAR(64) NOT NULL,
  created_at       DATETIME(6) NOT NULL,
  changed_by       VARCHAR(64) NOT NULL,
  changed_at       DATETIME(6) NOT NULL,
  lease_owner      VARCHAR(128) NULL,
  lease_until      DATETIME(6) NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS webhook_deliveries (
  id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  webhook_id  BIGINT UNSIGNED NOT NULL,
  event       BIGINT UNSIGNED NOT NULL,
  state       VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  failures    SMALLINT UNSIGNED NOT NULL DEFAULT 0,
  tries       INT UNSIGNED NOT NULL DEFAULT 0,
  due_at      DATETIME(6) NULL,
  status      SMALLINT UNSIGNED NULL,
  error       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
  took_ms     INT UNSIGNED NULL,
  created_at  DATETIME(6) NOT NULL,
  tried_at    DATETIME(6) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY by_event (webhook_id, event),
  KEY by_due (webhook_id, state, due_at),
  KEY by_time (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Providers of which it was said that they are left alone, until it is said that they are not any more.
CREATE TABLE IF NOT EXISTS providers_left_alone (
  provider  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  since     DATETIME(6) NOT NULL,
  seen_at   DATETIME(6) NOT NULL,
  PRIMARY KEY (provider)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
