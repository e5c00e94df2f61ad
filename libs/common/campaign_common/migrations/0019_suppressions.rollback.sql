DO 0;
DO 0;
DO 0;
ALTER TABLE campaigns DROP COLUMN topic;
DO 0;
DROP TABLE IF EXISTS suppression_state;
DROP TABLE IF EXISTS suppression_imports;
DROP TABLE IF EXISTS suppression_changes;
DROP TABLE IF EXISTS suppressions;
