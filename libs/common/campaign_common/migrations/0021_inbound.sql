-- Messages that people have sent to us. A message is known by the id that the provider has given to it; where there is
-- none, `digest:` and a digest of what was said stands in place of it. Services of earlier versions do not use the
-- table; those that take in callbacks go on to count inbound messages and do not store them.
CREATE TABLE IF NOT EXISTS inbound_messages (
  id                  BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  provider            VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  provider_message_id VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  phone               VARCHAR(64) NOT NULL,
  recipient           VARCHAR(64) NULL,
  text                TEXT NOT NULL,
  reported_at         DATETIME(6) NULL,
  received_at         DATETIME(6) NOT NULL,
  keyword             VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL,
  is_unsure           TINYINT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY by_message (provider, provider_message_id),
  KEY by_phone (phone, received_at),
  KEY by_unsure (is_unsure, received_at),
  KEY by_received (received_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
