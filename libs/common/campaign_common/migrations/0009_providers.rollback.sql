ALTER TABLE sender_heartbeats DROP COLUMN providers;
DROP TABLE IF EXISTS provider_account_breakers;
