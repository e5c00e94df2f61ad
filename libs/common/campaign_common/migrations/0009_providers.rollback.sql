ALTER TABLE sender_heartbeats DROP COLUMN providers;
ALTER TABLE provider_breakers DROP COLUMN account;
