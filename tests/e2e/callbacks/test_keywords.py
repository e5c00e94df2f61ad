"""STOP, START and HELP in webhooks: in force when they are answered, and once each."""

from typing import Any

import pytest

from tests.e2e.callbacks.gateways import (
    BY_REFERENCE,
    HELP,
    inbound_infobip,
    inbound_kannel,
    inbound_result,
)
from tests.e2e.callbacks.scene import CallbackScene

OURS = "49800555"


def say(scene: CallbackScene, phone: str, text: str, id_: str, at: int = 1_700_000_000) -> None:
    webhook = inbound_kannel(text=text, id=id_, at=str(at), **{"from": f"+{phone}"})
    answer = webhook.send(scene.api.url)
    assert (answer.status_code, answer.content) == (200, b"")


def of_person(scene: CallbackScene, phone: str) -> tuple[list[tuple[str, str]], list[bool]]:
    """Return scopes and sources of a person's suppressions, and whether each change added one."""
    answer = scene.get(f"/v1/suppressions/{phone}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    in_force = [(one["scope"], one["source"]) for one in found["suppressions"]]
    return in_force, [one["is_added"] for one in found["changes"]]


def answers(scene: CallbackScene, phone: str) -> list[tuple[Any, ...]]:
    with scene.database.reading() as cursor:
        cursor.execute(
            "SELECT answer_provider, body, JSON_UNQUOTE(JSON_EXTRACT(content, '$.from'))"
            " FROM trial_messages WHERE purpose = 2 AND phone = %s",
            (phone,),
        )
        return list(cursor.fetchall())


def test_a_stop_is_in_force_when_it_is_answered(scene: CallbackScene) -> None:
    """Repeated by its gateway it is noted again, and has no effect after a START."""
    phone = "4917600000001"
    for _ in range(3):
        say(scene, phone, "Stop.", "mo-s1")
    assert of_person(scene, phone) == ([("*", "inbound")], [True] * 3)
    say(scene, phone, "START", "mo-s2", 1_700_000_060)
    assert of_person(scene, phone) == ([], [True, True, True, False])
    say(scene, phone, "Stop.", "mo-s1")
    assert of_person(scene, phone) == ([], [True, True, True, False])
    say(scene, phone, "stop", "mo-s3", 1_700_000_120)
    assert of_person(scene, phone) == ([("*", "inbound")], [True, True, True, False, True])


@pytest.mark.parametrize("text", ["please stop", "end of the week", "how are you?", "help me stop"])
def test_an_unsure_text_has_no_effect(scene: CallbackScene, text: str) -> None:
    phone = "4917600000002"
    say(scene, phone, text, f"mo-u-{text}"[:40].replace(" ", "-"))
    assert of_person(scene, phone) == ([], [])
    assert answers(scene, phone) == []


def test_help_is_answered_once_from_our_number(scene: CallbackScene) -> None:
    phone = "4917600000003"
    for n in (1, 1, 2):
        say(scene, phone, "Help?", f"mo-h{n}")
    assert answers(scene, phone) == [(BY_REFERENCE, HELP, OURS)]
    assert of_person(scene, phone) == ([], [])


def test_each_message_of_a_request_has_its_effect(scene: CallbackScene) -> None:
    phones = ["4917600000004", "4917600000005"]
    results = [
        inbound_result("i1", text="STOP", **{"from": phones[0]}),
        inbound_result("i2", text="stop", **{"from": phones[1]}),
        inbound_result("i3", text="hello", **{"from": "4917600000006"}),
    ]
    assert inbound_infobip(results).send(scene.api.url).status_code == 200
    for phone in phones:
        assert of_person(scene, phone) == ([("*", "inbound")], [True])
    assert of_person(scene, "4917600000006") == ([], [])
