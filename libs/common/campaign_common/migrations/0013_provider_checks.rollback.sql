ALTER TABLE sender_heartbeats DROP COLUMN statistics;
DROP TABLE IF EXISTS provider_checks;
