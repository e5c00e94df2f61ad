"""Metrics of the services, for Prometheus; docs/reference/metrics.md names each.

Senders and schedulers increment counters where the work is done, and read gauges on scrape. The
API, which is several processes, counts in files that its processes share.
"""
