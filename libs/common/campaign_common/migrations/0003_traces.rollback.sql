DO 0;
ALTER TABLE campaigns DROP COLUMN traceparent;
DO 0;
DO 0;
