DO 0;
DO 0;
DO 0;
ALTER TABLE campaigns DROP COLUMN priority;
DO 0;
DO 0;
DO 0;
ALTER TABLE campaigns DROP COLUMN max_rate;
