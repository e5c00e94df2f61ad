"""What a service counts of its work, told to Prometheus; docs/metrics.md names every metric.

Senders and schedulers count in plain numbers, where the work is done, and one collector for each
process reads them when somebody asks. The API, which is several processes, counts in files that
its processes share.
"""
