"""Content of campaigns: its kinds, the originator that recipients see, and the price."""
