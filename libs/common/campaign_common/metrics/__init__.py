"""Metrics of the services, for Prometheus; docs/reference/metrics.md names each.

Senders and schedulers count in plain numbers, where the work is done, and one collector for each
process reads them when somebody asks. The API, which is several processes, counts in files that
its processes share.
"""
