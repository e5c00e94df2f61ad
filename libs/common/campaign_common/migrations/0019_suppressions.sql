-- People who do not want to be written to, by scope: `*`, `provider:NAME`, `sender:ORIGINATOR`, `topic:NAME`.
-- Services of before do not know these tables, and go on as if nobody were in them.
CREATE TABLE IF NOT EXISTS suppressions (
  phone   VARCHAR(15) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  scope   VARCHAR(80) NOT NULL,
  reason  VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  source  VARCHAR(64) NOT NULL,
  since   DATETIME(6) NOT NULL,
  until   DATETIME(6) NULL,
  note    VARCHAR(255) NULL,
  PRIMARY KEY (phone, scope)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Every change of a suppression but those of imports. Senders read the latest ones for what they hold.
CREATE TABLE IF NOT EXISTS suppression_changes (
  id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  phone       VARCHAR(15) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  scope       VARCHAR(80) NOT NULL,
  is_added    TINYINT NOT NULL,
  reason      VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
  until       DATETIME(6) NULL,
  actor       VARCHAR(64) NOT NULL,
  changed_at  DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY changed_at (changed_at),
  KEY phone (phone)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Imports of suppressions; those without an end are under way, or their process is gone.
CREATE TABLE IF NOT EXISTS suppression_imports (
  id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  actor       VARCHAR(64) NOT NULL,
  source      VARCHAR(64) NOT NULL,
  accepted    BIGINT UNSIGNED NOT NULL,
  rejected    BIGINT UNSIGNED NOT NULL,
  progress_at DATETIME(6) NOT NULL,
  ended_at    DATETIME(6) NULL,
  PRIMARY KEY (id),
  KEY ended_at (ended_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row. An import raises the number where it ends: senders then look up all that they hold.
CREATE TABLE IF NOT EXISTS suppression_state (
  id       TINYINT NOT NULL,
  imports  BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO suppression_state (id, imports) VALUES (1, 0);

-- What the messages of a campaign are about, for suppressions of that topic alone.
SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'campaigns' AND COLUMN_NAME = 'topic') = 0,
  'ALTER TABLE campaigns ADD COLUMN topic VARCHAR(64) NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
