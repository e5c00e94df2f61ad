"""People who were erased: the keys of their hashes, and imports without them."""
