"""The scheduler: starts due campaigns, fans them out into Kafka, finishes them.

`service` puts one process together. `jobs` run at intervals, `fanout` runs in a thread of its own,
and both publish with `publishing`.
"""
