"""HTTP layer of the API: the parts that all routes share."""
