"""campaign providers: the state of all providers, and a check of one."""
