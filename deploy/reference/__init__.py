"""The reference of the configuration, generated from the declarations of its keys."""
