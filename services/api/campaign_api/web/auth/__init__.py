"""Authentication: API keys, and programs on the API's own machine without one."""
