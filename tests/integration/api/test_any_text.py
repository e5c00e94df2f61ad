"""Any text goes through an upload and comes back by GET, but for blanks around it."""

import csv
import io
import json
from functools import partial

from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign_common.database import Database
from tests.support.odd_text import TEXT, csv_text

BROKEN_BY_NUL = st.tuples(TEXT, TEXT).map("\0".join)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    people=st.lists(st.tuples(TEXT, TEXT, st.booleans()), min_size=1, max_size=8),
    list_name=TEXT.filter(bool),
    rejected=TEXT,
    broken=BROKEN_BY_NUL,
)
def test_any_text_comes_back_as_it_was(
    client: FlaskClient,
    pool: Database,
    people: list[tuple[str, str, bool]],
    list_name: str,
    rejected: str,
    broken: str,
) -> None:
    phones = [str(13961467500 + n) for n in range(len(people))]
    written = [
        f"+{phone}" if plus else phone for phone, (_, _, plus) in zip(phones, people, strict=True)
    ]
    rows = [[name, phone, note] for (name, note, _), phone in zip(people, written, strict=True)]
    head = ["name", "phone", "note"]
    send = partial(
        client.post,
        "/v1/recipient-lists",
        content_type="text/csv",
        query_string={"name": list_name},
    )
    assert send(data=csv_text([head, *rows, [broken, "13961467999", ""]])).status_code == 422
    answer = send(data=csv_text([head, *rows, [rejected, "no number", ""]]))
    assert answer.status_code == 201, answer.text
    described = answer.get_json()
    assert (described["name"], described["rejected"]) == (list_name, 1)
    url = answer.headers["Location"]
    listed = json.loads(client.get(f"{url}/recipients").data)["recipients"]
    assert [(each["name"], each["phone"], each["attributes"]) for each in listed] == [
        (name.strip(), phone, {"note": note.strip()})
        for (name, note, _), phone in zip(people, phones, strict=True)
    ]
    for each in listed:
        found = client.get(f"{url}/recipients", query_string={"phone": each["phone"]})
        assert found.get_json()["recipients"] == [each]
    with client.get(f"{url}/rejects.csv") as rejects:
        ((_, _, text),) = list(csv.reader(io.StringIO(rejects.text, newline="")))[1:]
    assert "no number" in text
