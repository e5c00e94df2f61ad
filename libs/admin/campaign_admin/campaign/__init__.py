"""The command `campaign`: campaigns, lists, people and providers through the API."""
