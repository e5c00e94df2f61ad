"""HTTP API: recipient lists and campaigns are created over HTTP and stored in MySQL."""
