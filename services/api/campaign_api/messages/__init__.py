"""What became of messages and people: reading, exporting, counting, erasing."""
