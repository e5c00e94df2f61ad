ALTER TABLE trial_messages DROP COLUMN content_provider;
ALTER TABLE trial_messages DROP COLUMN content;
ALTER TABLE campaigns DROP COLUMN content;
