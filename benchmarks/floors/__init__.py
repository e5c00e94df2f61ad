"""What the servers can do at all, with nothing of this system between them and a bare loop."""
