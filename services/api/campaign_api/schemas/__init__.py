"""What requests may contain, checked by marshmallow."""
