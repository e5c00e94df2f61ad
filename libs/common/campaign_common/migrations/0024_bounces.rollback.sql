-- Receipts that did not come in time count as those of sent messages again, or as none where nothing was reported: the
-- state 3 is an error to versions before this migration. So senders, schedulers and APIs of this version have to be
-- stopped before. The tables receipts_N are many, one statement joins at most 61, and none can be made for each row
-- of a result: their receipts are listed first, and changed in twenty tables at a time.
SET SESSION group_concat_max_len = 1000000;
SET SESSION optimizer_search_depth = 1;
CREATE TABLE IF NOT EXISTS receipts_to_undo (
  shard        SMALLINT UNSIGNED NOT NULL,
  campaign_id  BIGINT UNSIGNED NOT NULL,
  seq          INT UNSIGNED NOT NULL,
  PRIMARY KEY (shard, campaign_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
SET @listed = (
  SELECT COALESCE(CONCAT('INSERT IGNORE INTO receipts_to_undo ', GROUP_CONCAT(CONCAT(
    'SELECT ', SUBSTRING(TABLE_NAME, 10), ', campaign_id, seq FROM ', TABLE_NAME, ' WHERE state = 3'
  ) SEPARATOR ' UNION ALL ')), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
);
PREPARE listing FROM @listed;
EXECUTE listing;
DEALLOCATE PREPARE listing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 0 AND 19'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 0 AND 19
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 20 AND 39'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 20 AND 39
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 40 AND 59'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 40 AND 59
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 60 AND 79'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 60 AND 79
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 80 AND 99'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 80 AND 99
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 100 AND 119'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 100 AND 119
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 120 AND 139'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 120 AND 139
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 140 AND 159'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 140 AND 159
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 160 AND 179'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 160 AND 179
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 180 AND 199'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 180 AND 199
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 200 AND 219'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 200 AND 219
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 220 AND 239'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 220 AND 239
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
SET @undone = (
  SELECT COALESCE(CONCAT('UPDATE receipts_to_undo o ', GROUP_CONCAT(CONCAT(
    'LEFT JOIN ', TABLE_NAME, ' ON o.shard = ', SUBSTRING(TABLE_NAME, 10), ' AND ', TABLE_NAME,
    '.campaign_id = o.campaign_id AND ', TABLE_NAME, '.seq = o.seq'
  ) SEPARATOR ' '), ' SET ', GROUP_CONCAT(CONCAT(
    TABLE_NAME, '.state = IF(', TABLE_NAME, '.receipt_rank = 0, 0, 1)'
  )), ' WHERE o.shard BETWEEN 240 AND 255'), 'DO 0') FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP '^receipts_[0-9]+$'
    AND CAST(SUBSTRING(TABLE_NAME, 10) AS UNSIGNED) BETWEEN 240 AND 255
);
PREPARE undoing FROM @undone;
EXECUTE undoing;
DEALLOCATE PREPARE undoing;
DROP TABLE receipts_to_undo;
SET SESSION optimizer_search_depth = DEFAULT;
INSERT INTO receipt_counters (campaign_id, shard, state, receipt_rank, n)
SELECT c.campaign_id, c.shard, 1, c.receipt_rank, c.n FROM receipt_counters c WHERE c.state = 3 AND c.receipt_rank > 0
ON DUPLICATE KEY UPDATE receipt_counters.n = receipt_counters.n + VALUES(n);
DELETE FROM receipt_counters WHERE state = 3;
DROP TABLE IF EXISTS bounced_receipts;
DROP TABLE IF EXISTS receipt_looks;
