"""Parts of every running process: logs, threads, outages, and pages for probes."""
