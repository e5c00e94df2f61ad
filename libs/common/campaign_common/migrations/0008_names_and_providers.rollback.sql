DO 0;
RENAME TABLE shard_commands TO shard_requests;
DO 0;
DO 0;
DO 0;
RENAME TABLE possibly_sent TO suspects;
DO 0;
DO 0;
