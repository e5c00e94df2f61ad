-- Suppressions of people who were erased: what they say stays, and a keyed hash stands in place of the number, as in
-- erased_people. Where an import stores the number again, it puts them back into suppressions. Services of earlier
-- versions do not use this table.
CREATE TABLE IF NOT EXISTS suppression_hashes (
  id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  key_id       CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  person_hash  BINARY(8) NOT NULL,
  scope        VARCHAR(80) NOT NULL,
  reason       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source       VARCHAR(64) NOT NULL,
  since        DATETIME(6) NOT NULL,
  until        DATETIME(6) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY by_hash (key_id, person_hash, scope),
  KEY until (until)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
