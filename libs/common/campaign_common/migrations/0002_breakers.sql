-- Providers that are being left alone for a while; every sender and scheduler looks here.

CREATE TABLE IF NOT EXISTS provider_breakers (
  provider     VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  open_until   DATETIME(6) NOT NULL,
  opened_at    DATETIME(6) NOT NULL,
  opened_by    VARCHAR(64) CHARACTER SET ascii NOT NULL,
  times_opened INT UNSIGNED NOT NULL DEFAULT 1,
  PRIMARY KEY (provider)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
