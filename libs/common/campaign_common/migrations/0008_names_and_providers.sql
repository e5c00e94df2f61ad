-- The words of tables and columns, and room for several providers. Services of 0.1.0 cannot work with
-- what this makes, so campaign-db migrate first sees to it that they are stopped. Each change is made
-- where it is missing, so that a migration that was killed half way can be repeated. Where a table has both its
-- names, the server refuses the rename: the old one holds data that must not be passed over.
-- The ledger, messages_N, is in campaign_common.store.shards.shard_tables.

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.TABLES
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'suspects') > 0,
  'RENAME TABLE suspects TO possibly_sent',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.TABLES
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'shard_requests') > 0,
  'RENAME TABLE shard_requests TO shard_commands',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.TABLES
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'forwarded_requests') > 0,
  'RENAME TABLE forwarded_requests TO command_copies',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'command_copies' AND COLUMN_NAME = 'command_id') = 0,
  'ALTER TABLE command_copies RENAME COLUMN request_id TO command_id',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.TABLES
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'shard_homes') > 0,
  'RENAME TABLE shard_homes TO shard_placements',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.TABLES
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'test_messages') > 0,
  'RENAME TABLE test_messages TO trial_messages',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.TABLES
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'senders') > 0,
  'RENAME TABLE senders TO sender_heartbeats',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'campaigns' AND COLUMN_NAME = 'published_seq') = 0,
  'ALTER TABLE campaigns RENAME COLUMN fanned_seq TO published_seq, RENAME COLUMN fanned_count TO published_count',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'campaigns' AND COLUMN_NAME = 'republications') = 0,
  'ALTER TABLE campaigns RENAME COLUMN rounds TO republications',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'shard_claims' AND COLUMN_NAME = 'updated_at') = 0,
  'ALTER TABLE shard_claims RENAME COLUMN moved_at TO updated_at',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'possibly_sent' AND COLUMN_NAME = 'created_at') = 0,
  'ALTER TABLE possibly_sent RENAME COLUMN noted_at TO created_at',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'late_results' AND COLUMN_NAME = 'created_at') = 0,
  'ALTER TABLE late_results RENAME COLUMN noted_at TO created_at',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'recipients' AND COLUMN_NAME = 'erased_shard_count') = 0,
  'ALTER TABLE recipients RENAME COLUMN erased_of TO erased_shard_count',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'idempotency_keys' AND COLUMN_NAME = 'api_key_id') = 0,
  'ALTER TABLE idempotency_keys RENAME COLUMN owner TO api_key_id, RENAME COLUMN held_until TO locked_until',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'possibly_sent' AND COLUMN_NAME = 'provider') = 0,
  'ALTER TABLE possibly_sent ADD COLUMN provider VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'late_results' AND COLUMN_NAME = 'provider') = 0,
  'ALTER TABLE late_results ADD COLUMN provider VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'late_results' AND COLUMN_NAME = 'provider_message_id'
   AND CHARACTER_MAXIMUM_LENGTH < 128) > 0,
  'ALTER TABLE late_results MODIFY COLUMN provider_message_id VARCHAR(128) CHARACTER SET ascii NULL',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'trial_messages' AND COLUMN_NAME = 'provider_message_id'
   AND CHARACTER_MAXIMUM_LENGTH < 128) > 0,
  'ALTER TABLE trial_messages MODIFY COLUMN provider_message_id VARCHAR(128) CHARACTER SET ascii NULL',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'campaigns' AND COLUMN_NAME = 'provider'
   AND CHARACTER_MAXIMUM_LENGTH < 64) > 0,
  'ALTER TABLE campaigns MODIFY COLUMN provider VARCHAR(64) CHARACTER SET ascii NOT NULL',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'trial_messages' AND COLUMN_NAME = 'provider'
   AND CHARACTER_MAXIMUM_LENGTH < 64) > 0,
  'ALTER TABLE trial_messages MODIFY COLUMN provider VARCHAR(64) CHARACTER SET ascii NOT NULL',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;

SET @change = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'provider_breakers' AND COLUMN_NAME = 'provider'
   AND CHARACTER_MAXIMUM_LENGTH < 64) > 0,
  'ALTER TABLE provider_breakers MODIFY COLUMN provider VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL',
  'DO 0');
PREPARE made FROM @change;
EXECUTE made;
DEALLOCATE PREPARE made;
