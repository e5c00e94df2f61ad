-- Weights of the providers of routes that were set live; their changes stand in provider_events. Senders say
-- which routes they have. A route whose configured weights hold again has NULL. Services of 0.2.0 use neither.

CREATE TABLE IF NOT EXISTS route_weights (
  route        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  choices      JSON NULL,
  changed_at   DATETIME(6) NULL,
  changed_by   VARCHAR(64) NULL,
  PRIMARY KEY (route)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'sender_heartbeats' AND COLUMN_NAME = 'routes') = 0,
  'ALTER TABLE sender_heartbeats ADD COLUMN routes MEDIUMTEXT NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
