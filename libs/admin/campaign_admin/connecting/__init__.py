"""The API of a command: its address, the options of every verb, output and exit codes."""
