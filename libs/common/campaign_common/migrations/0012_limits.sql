-- Limits of providers that hold in the whole cluster: live values and their history, the slots of
-- one second, what each sender wants, and what is used of a day.

CREATE TABLE IF NOT EXISTS provider_limits (
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  limits       JSON NOT NULL,
  version      BIGINT UNSIGNED NOT NULL,
  changed_at   DATETIME(6) NOT NULL,
  changed_by   VARCHAR(64) NOT NULL,
  PRIMARY KEY (provider)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS provider_events (
  id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at           DATETIME(6) NOT NULL,
  actor        VARCHAR(64) NOT NULL,
  kind         VARCHAR(16) CHARACTER SET ascii NOT NULL,
  details      JSON NOT NULL,
  PRIMARY KEY (id),
  KEY by_provider (provider, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS provider_slots (
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  slot         BIGINT UNSIGNED NOT NULL,
  quota        INT UNSIGNED NOT NULL,
  per_second   DECIMAL(12,3) NOT NULL,
  shares       JSON NOT NULL,
  spare_taken  INT UNSIGNED NOT NULL DEFAULT 0,
  server       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  PRIMARY KEY (provider, slot)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS provider_demand (
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  sender       CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  wanted       INT UNSIGNED NOT NULL,
  cost         INT UNSIGNED NOT NULL DEFAULT 1,
  at           DATETIME(6) NOT NULL,
  PRIMARY KEY (provider, sender)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS provider_days (
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  day          DATE NOT NULL,
  taken        BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (provider, day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
