"""Planning: making campaigns, and changing those that have not started."""
