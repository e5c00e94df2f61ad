-- Which shards live on other servers than this, the main one, by what campaign-db migrate was last told:
-- a configuration that says otherwise would have their messages sent again from an empty ledger.

CREATE TABLE IF NOT EXISTS shard_placements (
  shard        SMALLINT UNSIGNED NOT NULL,
  server       VARCHAR(255) NOT NULL,
  PRIMARY KEY (shard)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Orders that the owner of a shard has taken over from the main server, where people's orders are
-- written, to the server that holds the shard: no transaction spans both, so the row here is what
-- has each order taken over once. It goes when the order is gone from the main server.

CREATE TABLE IF NOT EXISTS command_copies (
  shard        SMALLINT UNSIGNED NOT NULL,
  command_id   BIGINT UNSIGNED NOT NULL,
  requested_at DATETIME(6) NOT NULL,
  PRIMARY KEY (shard, command_id, requested_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
