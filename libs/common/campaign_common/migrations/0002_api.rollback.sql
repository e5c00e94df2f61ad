DROP TABLE IF EXISTS sender_heartbeats;
DROP TABLE IF EXISTS erasures;
DROP TABLE IF EXISTS trial_messages;
DROP TABLE IF EXISTS campaign_samples;
DROP TABLE IF EXISTS idempotency_keys;
DROP TABLE IF EXISTS api_keys;
