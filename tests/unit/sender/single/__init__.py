"""Single messages of a sender."""
