"""Keywords in inbound messages: STOP, START and HELP in several languages."""
