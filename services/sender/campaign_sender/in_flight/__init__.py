"""In-flight messages: everything that this process holds between fetch and record."""
