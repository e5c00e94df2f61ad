ALTER TABLE provider_breakers DROP COLUMN account;
