"""inbound_messages: writing, pages, erasure and deletion of old rows."""
