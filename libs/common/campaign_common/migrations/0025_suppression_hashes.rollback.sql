DROP TABLE IF EXISTS suppression_hashes;
