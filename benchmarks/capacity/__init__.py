"""Capacity planning: the rate of a deployment, predicted from the cost of a message.

`points` holds the measurements, `model` predicts a rate from them, `needs` inverts the model,
`tables` and `page` show the results.
"""
