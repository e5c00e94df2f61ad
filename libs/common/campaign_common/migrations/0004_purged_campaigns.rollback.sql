DROP TABLE IF EXISTS purged_campaigns;
