"""gunicorn as this service runs it: the socket, the requests that arrive, workers, signals."""
