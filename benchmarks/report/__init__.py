"""Reports of results: tables, plots and an HTML page."""
