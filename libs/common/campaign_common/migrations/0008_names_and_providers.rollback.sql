DO 0;
RENAME TABLE possibly_sent TO suspects;
DO 0;
DO 0;
