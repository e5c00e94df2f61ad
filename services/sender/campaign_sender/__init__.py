"""The sender: consumes messages, delivers them, records what became of each."""
