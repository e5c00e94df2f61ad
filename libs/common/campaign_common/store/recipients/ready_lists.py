"""The end of an import: a list becomes ready, without people who are just being erased."""

from pymysql.cursors import Cursor

from campaign_common.store.recipients.erased_people import hold_erased_people
from campaign_common.store.recipients.erasures import erase_recipient, erasures_of_list
from campaign_common.store.recipients.recipient_lists import RecipientList, complete_list


def make_ready(cursor: Cursor, finished: RecipientList, shards: int) -> bool:
    """Make an imported list ready; return False when it has been given up meanwhile.

    Each batch was checked against the hashes of erased people when it was inserted. An erasure
    that came later looks for the person in the lists; if it has not yet done so, this does.

    Raises:
        ErasureHeld: as `erase_recipient`.
    """
    if not complete_list(cursor, finished):
        return False
    hold_erased_people(cursor)
    for erasure in erasures_of_list(cursor, finished.id):
        # No campaign uses the list yet; one that is made with it follows in this transaction.
        erase_recipient(cursor, erasure, finished.id, shards)
    return True
