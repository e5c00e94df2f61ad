-- Which request set a campaign going, as W3C Trace Context: what is done for it later belongs to the
-- same trace. A column cannot be added IF NOT EXISTS on MySQL, and a migration that was killed is
-- run again, so what there is decides.

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'campaigns' AND COLUMN_NAME = 'traceparent') = 0,
  'ALTER TABLE campaigns ADD COLUMN traceparent CHAR(55) CHARACTER SET ascii NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
