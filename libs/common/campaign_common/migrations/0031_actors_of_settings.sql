-- Who has made and revoked each API key, and who has changed which webhook. Services of earlier versions leave the
-- columns NULL, and use webhook_changes not at all: of what they do nobody is named.
SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'api_keys' AND COLUMN_NAME = 'created_by') = 0,
  'ALTER TABLE api_keys ADD COLUMN created_by VARCHAR(64) NULL, ADD COLUMN revoked_by VARCHAR(64) NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

CREATE TABLE IF NOT EXISTS webhook_changes (
  id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  webhook_id  BIGINT UNSIGNED NOT NULL,
  at          DATETIME(6) NOT NULL,
  actor       VARCHAR(64) NOT NULL,
  kind        VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  details     JSON NOT NULL,
  PRIMARY KEY (id),
  KEY by_time (at),
  KEY by_actor (actor, at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
