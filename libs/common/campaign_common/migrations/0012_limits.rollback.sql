DROP TABLE IF EXISTS provider_days;
DROP TABLE IF EXISTS provider_demand;
DROP TABLE IF EXISTS provider_slots;
DROP TABLE IF EXISTS provider_events;
DROP TABLE IF EXISTS provider_limits;
