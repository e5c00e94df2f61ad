DO 0;
DO 0;
DO 0;
ALTER TABLE possibly_sent DROP COLUMN sent_after;
