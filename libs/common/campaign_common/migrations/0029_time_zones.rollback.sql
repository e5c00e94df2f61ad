ALTER TABLE campaigns DROP KEY by_plan;
ALTER TABLE campaigns DROP COLUMN time_zone;
