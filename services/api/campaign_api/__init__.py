"""The API: recipient lists and campaigns come in over HTTP and go to MySQL."""
