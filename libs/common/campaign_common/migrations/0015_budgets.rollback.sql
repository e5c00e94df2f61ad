DROP TABLE IF EXISTS campaign_budgets;
