-- Checks of providers: single sends outside of any campaign, taken by one sender, once, and kept ten
-- minutes. The number is masked when a check ends. Senders say how their sends have gone.

CREATE TABLE IF NOT EXISTS provider_checks (
  id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  provider     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  phone        VARCHAR(15) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  content      MEDIUMTEXT NOT NULL,
  dry_run      TINYINT UNSIGNED NOT NULL,
  actor        VARCHAR(64) NOT NULL,
  requested_at DATETIME(6) NOT NULL,
  taken_at     DATETIME(6) NULL,
  taken_by     VARCHAR(64) CHARACTER SET ascii NULL,
  ends_by      DATETIME(6) NULL,
  ended_at     DATETIME(6) NULL,
  result       MEDIUMTEXT NULL,
  PRIMARY KEY (id),
  KEY by_taken (taken_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'sender_heartbeats' AND COLUMN_NAME = 'statistics') = 0,
  'ALTER TABLE sender_heartbeats ADD COLUMN statistics MEDIUMTEXT NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
