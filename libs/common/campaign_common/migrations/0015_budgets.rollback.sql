DO 0;
DO 0;
DO 0;
ALTER TABLE provider_breakers DROP COLUMN reason, DROP COLUMN reason_until;
DROP TABLE IF EXISTS campaign_budgets;
