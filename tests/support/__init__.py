"""Everything that the tests share and that is no test: servers, processes, waiting."""
