-- The words of tables and columns, and room for several providers. Services of 0.1.0 cannot work with
-- what this makes, so campaign-db migrate first sees to it that they are stopped. Each change is made
-- where it is missing, so that a migration that was killed half way can be repeated.
-- The ledger, messages_N, is in campaign_common.store.shards.shard_tables.

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.TABLES
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'possibly_sent') = 0,
  'RENAME TABLE suspects TO possibly_sent',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.TABLES
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'shard_commands') = 0,
  'RENAME TABLE shard_requests TO shard_commands',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;
