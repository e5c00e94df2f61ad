"""Messages of people: how one is recognized when it comes again, and the keywords in it."""
