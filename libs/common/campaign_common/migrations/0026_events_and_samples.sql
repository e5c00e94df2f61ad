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

-- The numbers of a campaign at points of its run, for plots: few enough that they are kept with it. campaign_samples, of
-- which services of all versions delete what is older than two minutes, stays the place of its rate.
CREATE TABLE IF NOT EXISTS kept_samples (
  campaign_id  BIGINT UNSIGNED NOT NULL,
  sampled_at   DATETIME(6) NOT NULL,
  spacing      INT UNSIGNED NOT NULL,
  unrecorded   INT NOT NULL,
  sent         INT NOT NULL,
  failed       INT NOT NULL,
  waiting      INT NOT NULL,
  suppressed   INT NOT NULL,
  expired      INT NOT NULL,
  unknown      INT NOT NULL,
  cancelled    INT NOT NULL,
  PRIMARY KEY (campaign_id, sampled_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
