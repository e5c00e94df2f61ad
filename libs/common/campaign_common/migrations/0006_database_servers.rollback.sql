DROP TABLE IF EXISTS command_copies;
DROP TABLE IF EXISTS shard_placements;
