DROP TABLE IF EXISTS open_receipts;
DROP TABLE IF EXISTS receipt_counters;
DELETE FROM shard_commands WHERE kind IN ('receipts', 'retry_receipts');
-- Tables receipts_N, which are made with those of their shards: without their counters and the list of those that
-- are open they would count as what they are not when this migration is applied again.
SET SESSION group_concat_max_len = 1000000;
SET @dropped = (
  SELECT COALESCE(CONCAT('DROP TABLE ', GROUP_CONCAT(TABLE_NAME)), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
);
PREPARE dropping FROM @dropped;
EXECUTE dropping;
DEALLOCATE PREPARE dropping;
