"""What so many senders, database servers and partitions carry, by what a message costs.

`points` holds what was measured, `model` predicts a rate from it, `needs` turns that round,
`tables` and `page` show it.
"""
