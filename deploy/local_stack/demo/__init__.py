"""``make demo``: one campaign from a CSV file to a ledger in which every recipient is found."""
