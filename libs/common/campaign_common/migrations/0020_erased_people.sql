-- What an erasure leaves of a person: a keyed hash of the number, by which later imports leave the person out. The
-- key is in the configuration alone; key_id says which one. Imports lock the position in share mode, erasures
-- exclusively, so that every batch of an import comes before an erasure or knows it. Services of earlier versions use
-- none of these tables.

CREATE TABLE IF NOT EXISTS erased_people (
  id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  key_id       CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  person_hash  BINARY(8) NOT NULL,
  erased_at    DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY by_hash (key_id, person_hash)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS erased_people_position (
  id           TINYINT UNSIGNED NOT NULL,
  last_id      BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO erased_people_position (id, last_id) VALUES (1, 0);

-- Who said that the people of a list have consented again.
CREATE TABLE IF NOT EXISTS reconsented_lists (
  list_id      BIGINT UNSIGNED NOT NULL,
  actor        VARCHAR(64) NOT NULL,
  imported_at  DATETIME(6) NOT NULL,
  PRIMARY KEY (list_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
