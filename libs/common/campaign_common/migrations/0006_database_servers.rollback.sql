DROP TABLE IF EXISTS forwarded_requests;
DROP TABLE IF EXISTS shard_homes;
