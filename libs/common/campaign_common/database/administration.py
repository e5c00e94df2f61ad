"""Creating the schema and its user, as somebody who may."""

from campaign_common.database.failures import translated
from campaign_common.database.limits import Limits
from campaign_common.database.server_accounts import (
    create_database,
    current_account,
    ensure_user,
    grant_database,
)
from campaign_common.database.session import open_session
from campaign_common.dsn import Dsn

LIMITS = Limits.uniform(60.0)


def provide_database(admin: Dsn, target: Dsn, user_host: str) -> bool:
    """Create what `target` names, connected as `admin`; True when the user was provided too.

    The user gets `target`'s password and every right on its schema only. Nothing is done to
    the user where it is the administrator itself.

    Raises:
        DatabaseUnavailable: the server cannot be reached.
        DatabaseRefused: it does not accept the administrator.
    """
    session = open_session(admin, LIMITS)
    try:
        with translated(), session.cursor() as cursor:
            create_database(cursor, target.database)
            if target.user in {admin.user, current_account(cursor)}:
                return False
            ensure_user(cursor, target.user, user_host, target.password)
            grant_database(cursor, target.database, target.user, user_host)
            return True
    finally:
        session.discard()
