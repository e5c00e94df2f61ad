"""Files of others in this repository, fetched from npm and checked."""
