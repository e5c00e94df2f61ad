"""Refusals of a server are named with the remedy, by an error and by its variables."""

from collections.abc import Mapping

import pytest
from pymysql.err import InternalError, OperationalError

from campaign_common.database.demands import (
    PACKET,
    READ_ONLY,
    RIGHTS,
    ROW_FORMAT,
    SAFE_UPDATES,
    SMALLEST_PACKET,
    Demand,
    unmet_by,
    unmet_demand,
)
from campaign_common.database.failures import translated
from campaign_common.errors import CampaignError
from campaign_common.store.maintenance.write_trial import JOINED, TABLES, trials

MOST_TABLES_OF_A_JOIN = 61
"""Of both servers."""


@pytest.mark.parametrize(
    ("number", "demand"),
    [
        (1142, RIGHTS),
        (1143, RIGHTS),
        (1227, RIGHTS),
        (1370, RIGHTS),
        (1290, READ_ONLY),
        (1792, READ_ONLY),
        (1836, READ_ONLY),
        (1665, ROW_FORMAT),
        (1153, PACKET),
        (1175, SAFE_UPDATES),
        (2003, None),
        (1213, None),
        (9999, None),
    ],
)
def test_an_error_names_what_the_server_does_not_allow(number: int, demand: Demand | None) -> None:
    error = (InternalError if number == 1665 else OperationalError)(number, "said by the server")
    with pytest.raises(CampaignError) as raised, translated():
        raise error
    assert unmet_demand(error) == unmet_demand(raised.value) == demand


def test_an_error_that_is_not_the_servers_names_nothing() -> None:
    assert unmet_demand(ValueError("bug")) is None


@pytest.mark.parametrize(
    ("variables", "demands"),
    [
        ({"log_bin": "ON", "binlog_format": "STATEMENT"}, [ROW_FORMAT]),
        ({"log_bin": "OFF", "binlog_format": "STATEMENT"}, []),
        ({"log_bin": "ON", "binlog_format": "MIXED"}, []),
        ({"log_bin": "ON", "binlog_format": "ROW"}, []),
        ({"log_bin": "ON"}, []),
        ({"max_allowed_packet": "1048576"}, [PACKET]),
        ({"max_allowed_packet": str(SMALLEST_PACKET)}, []),
        ({}, []),
    ],
)
def test_variables_name_what_new_sessions_will_meet(
    variables: Mapping[str, str], demands: list[Demand]
) -> None:
    assert list(unmet_by(variables)) == demands


@pytest.mark.parametrize("shards", [0, 1, 200])
def test_a_trial_names_every_table_in_joins_that_servers_take(shards: int) -> None:
    statements = list(trials(range(shards)))
    changed = {"UPDATE": 0, "DELETE": 0}
    for statement in statements:
        assert statement.endswith(" WHERE 1 = 0")
        verb, _, rest = statement.partition(" ")
        if verb in changed:
            tables = rest.split(" SET ")[0].split(" FROM ")[0].split(", ")
            assert len(tables) <= JOINED <= MOST_TABLES_OF_A_JOIN
            changed[verb] += len(tables)
    assert changed == {verb: len(TABLES) + 3 * shards for verb in changed}
