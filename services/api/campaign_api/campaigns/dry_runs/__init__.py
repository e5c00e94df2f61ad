"""Parts of a dry run: prices, duplicates and suppressions of the recipients."""
