-- Rate of a campaign, in messages a second over all senders; NULL: none of its own. Priority among the
-- campaigns of a provider, from 1 to 10. Senders of 0.2.0 do not read records of a campaign with a rate.

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'campaigns' AND COLUMN_NAME = 'max_rate') = 0,
  'ALTER TABLE campaigns ADD COLUMN max_rate DECIMAL(12, 3) NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'campaigns' AND COLUMN_NAME = 'priority') = 0,
  'ALTER TABLE campaigns ADD COLUMN priority TINYINT UNSIGNED NOT NULL DEFAULT 5',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;

-- Slots that are over are deleted by their number, of all providers and campaigns.
SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.STATISTICS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'provider_slots' AND INDEX_NAME = 'by_slot') = 0,
  'ALTER TABLE provider_slots ADD KEY by_slot (slot)',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
