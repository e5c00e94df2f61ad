"""What every route has in common: who asks, how bodies are read, how answers and errors look."""
