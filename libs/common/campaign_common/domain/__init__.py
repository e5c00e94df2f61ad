"""Rules and values of campaigns, messages, recipients and shards, without any input or output."""
