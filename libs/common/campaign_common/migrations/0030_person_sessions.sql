-- Sessions of people whom an OpenID provider has identified: who they are, the claim that their scope follows from, and
-- the time at which the session ends at the latest. Services of earlier versions make sessions without these.
SET @addition = IF(
  (SELECT COUNT(*) FROM information_schema.COLUMNS
   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'web_sessions' AND COLUMN_NAME = 'person_id') = 0,
  'ALTER TABLE web_sessions ADD COLUMN person_id CHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
     ADD COLUMN person_name VARCHAR(64) NULL, ADD COLUMN issuer VARCHAR(255) NULL,
     ADD COLUMN claim_value VARCHAR(255) NULL, ADD COLUMN latest_at DATETIME(6) NULL',
  'DO 0');
PREPARE addition FROM @addition;
EXECUTE addition;
DEALLOCATE PREPARE addition;
