DROP TABLE IF EXISTS kept_samples;
ALTER TABLE erasures DROP KEY by_actor, DROP KEY by_time;
ALTER TABLE suppression_changes DROP KEY by_actor;
ALTER TABLE provider_events DROP KEY by_actor, DROP KEY by_time;
ALTER TABLE purged_campaigns DROP KEY by_actor, DROP KEY by_time;
ALTER TABLE campaign_events DROP KEY by_actor, DROP KEY by_time;
