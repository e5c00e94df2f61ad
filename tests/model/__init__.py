"""A model of the delivery protocol, searched exhaustively at small size.

Two senders, a scheduler, Kafka's log and the database's rows are one frozen value (`state`).
Each module lists the steps of one part of the system (`fan_out`, `retries`, `finishing`,
`remapping`, `ownership`, `admission`, `recording`, `calls`, `requests`, `faults`), `protocol` puts
them together and says what must hold, and `explore` tries every order in which they can
happen. What is decided, the production code decides (`decisions`): void, copies, liveness,
settlement, outcomes, positions, the flip of the map and the end of a campaign are asked of the
very functions that senders and schedulers run.

How the model differs from the system:
- A transaction, and a look-up with what is decided by it, are one step each; a part left out
  may split them. A look that is stale is a look after which time passed before the call.
- The last look sees the campaign as it is and nothing else: what keeps a message from being
  called twice must not depend on it.
- Retries are due at once, and there is no expiry; one campaign; one database server. That what is
  read is the state of the server that takes writes (rule 7) is shown on real servers.
- Provider answers: accepted, refused, or (where a search says so) ambiguous.
- Faults happen at most as often as a search's budget says; every other step is always possible.
  "Nothing is lost" means: from every state there is a way to the campaign's end on which nothing
  else goes wrong.
"""
