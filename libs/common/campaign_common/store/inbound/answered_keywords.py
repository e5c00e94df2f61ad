"""answered_keywords: when a person was last answered to a keyword.

Two machines that answer each other come to an end by it: to the same keyword of the same person
there is one answer within the configured time, and what comes meanwhile gets none.
"""

from collections.abc import Sequence

from pymysql.cursors import Cursor

from campaign_common.domain.inbound.keyword_kind import KeywordKind
from campaign_common.domain.receipts.reference_purpose import ReferencePurpose

TAKE_AGAIN = """
UPDATE answered_keywords SET answered_at = NOW(6)
WHERE phone = %s AND keyword = %s AND answered_at <= NOW(6) - INTERVAL %s SECOND
"""

TAKE_FIRST = """
INSERT IGNORE INTO answered_keywords (phone, keyword, answered_at) VALUES (%s, %s, NOW(6))
"""

DELETE_OF_PERSON = "DELETE FROM answered_keywords WHERE phone IN %s"

DELETE_ANSWERS = "DELETE FROM trial_messages WHERE phone IN %s AND purpose = %s"

DELETE_OLD = """
DELETE FROM answered_keywords WHERE answered_at < NOW(6) - INTERVAL %s SECOND LIMIT %s
"""


def take_answer(cursor: Cursor, phone: str, keyword: KeywordKind, interval: float) -> bool:
    """Return whether a person may be answered to a keyword, and note that it is done now.

    Of transactions at the same time one may, as of all others within `interval` seconds.
    """
    if cursor.execute(TAKE_AGAIN, (phone, keyword.value, interval)):
        return True
    return cursor.execute(TAKE_FIRST, (phone, keyword.value)) > 0


def delete_answers_to(cursor: Cursor, addresses: Sequence[str]) -> None:
    """Delete the answers to a person, and when there were some."""
    cursor.execute(DELETE_OF_PERSON, (tuple(addresses),))
    cursor.execute(DELETE_ANSWERS, (tuple(addresses), int(ReferencePurpose.ANSWER)))


def delete_old_answered(cursor: Cursor, interval: float, limit: int) -> int:
    """Delete notes that are older than `interval` seconds; return how many went."""
    return cursor.execute(DELETE_OLD, (interval, limit))
