-- Sessions of people who use the dashboard, by a digest of the random token in their cookie; without a key_id: a person
-- on the API's own machine, while no key exists. Failed sign-ins are kept for a minute. Services of earlier versions
-- use neither table.
CREATE TABLE IF NOT EXISTS web_sessions (
  token_sha256 BINARY(32) NOT NULL,
  key_id       CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
  made_at      DATETIME(6) NOT NULL,
  seen_at      DATETIME(6) NOT NULL,
  ends_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (token_sha256),
  KEY by_end (ends_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS failed_sign_ins (
  id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  address      VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  failed_at    DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY by_address (address, failed_at),
  KEY by_time (failed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
