-- Events of all tables are read by time, and by actor and time. Services of earlier versions do not use these indexes.
SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.STATISTICS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'campaign_events' AND INDEX_NAME = 'by_actor') = 0,
  'ALTER TABLE campaign_events ADD KEY by_time (at), ADD KEY by_actor (actor, at)',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.STATISTICS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'purged_campaigns' AND INDEX_NAME = 'by_actor') = 0,
  'ALTER TABLE purged_campaigns ADD KEY by_time (purged_at), ADD KEY by_actor (actor, purged_at)',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.STATISTICS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'provider_events' AND INDEX_NAME = 'by_actor') = 0,
  'ALTER TABLE provider_events ADD KEY by_time (at), ADD KEY by_actor (actor, at)',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.STATISTICS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'suppression_changes' AND INDEX_NAME = 'by_actor') = 0,
  'ALTER TABLE suppression_changes ADD KEY by_actor (actor, changed_at)',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.STATISTICS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'erasures' AND INDEX_NAME = 'by_actor') = 0,
  'ALTER TABLE erasures ADD KEY by_time (requested_at), ADD KEY by_actor (actor, requested_at)',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
