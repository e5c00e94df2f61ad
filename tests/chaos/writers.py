"""The writer and the shard owner of every row, recorded by database triggers.

Each observed process has a database user of its own, so the record does not depend on the
process's own view.
"""

from tests.chaos.scene import Scene
from tests.support.services.system import SHARDS

CREATE_LEDGER_NOTES = """
CREATE TABLE ledger_writers (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  shard INT NOT NULL, seq INT NOT NULL, writer VARCHAR(128) NOT NULL, owner VARCHAR(64) NOT NULL
) ENGINE=InnoDB
"""
NOTE_LEDGER_WRITE = """
CREATE TRIGGER note_{event}_{shard} AFTER {event} ON messages_{shard} FOR EACH ROW
INSERT INTO ledger_writers (shard, seq, writer, owner)
SELECT {shard}, NEW.seq, SUBSTRING_INDEX(USER(), '@', 1), owner_name FROM shard_claims
WHERE shard = {shard}
"""
COUNT_PAIRS = "SELECT writer, owner, COUNT(*) FROM ledger_writers GROUP BY writer, owner"

CREATE_CHECKPOINT_NOTES = """
CREATE TABLE checkpoint_writers (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  writer VARCHAR(128) NOT NULL, holder VARCHAR(64) NOT NULL, lease_epoch INT NOT NULL
) ENGINE=InnoDB
"""
NOTE_CHECKPOINT = """
CREATE TRIGGER note_checkpoint AFTER UPDATE ON campaigns FOR EACH ROW
INSERT INTO checkpoint_writers (writer, holder, lease_epoch)
SELECT SUBSTRING_INDEX(USER(), '@', 1), NEW.lease_owner, NEW.lease_epoch
FROM (SELECT 1) one WHERE NEW.published_seq <> OLD.published_seq
"""
COUNT_HOLDERS = "SELECT writer, holder, COUNT(*) FROM checkpoint_writers GROUP BY writer, holder"


def note_ledger_writers(scene: Scene) -> None:
    """From now on every ledger row is noted, with its writer and the shard's owner then."""
    scene.execute(CREATE_LEDGER_NOTES)
    for shard in range(SHARDS):
        for event in ("INSERT", "UPDATE"):
            scene.execute(NOTE_LEDGER_WRITE.format(shard=shard, event=event))


def note_checkpoint_writers(scene: Scene) -> None:
    """From now on every checkpoint of fan-out is noted, with its writer and the lease's holder."""
    scene.execute(CREATE_CHECKPOINT_NOTES)
    scene.execute(NOTE_CHECKPOINT)


def pairs(scene: Scene, sql: str) -> dict[tuple[str, str], int]:
    """Count the writes by writer and by the owner at that time."""
    with scene.system.database.reading() as cursor:
        cursor.execute(sql)
        return {(writer, owner): n for writer, owner, n in cursor.fetchall()}
