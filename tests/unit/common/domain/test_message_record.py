"""Records of texts are those of 0.2.0, byte for byte; others are of a version that it leaves."""

import zipfile
from types import ModuleType
from typing import Any

import msgspec
import pytest

from campaign_common.domain.message_record import (
    CONTENT_VERSION,
    TEXT_VERSION,
    MessageRecord,
    MessageTemplate,
    decode,
    encode,
)
from campaign_common.errors import RecordInvalid, RecordTooNew
from tests.support.services.previous_version import NEIGHBOUR, WHEELS

ORDER = MessageTemplate("order_1", "de", ("Ann", "Käse"))
PHONE = "13961467500"


@pytest.fixture(scope="module")
def previous() -> Any:  # noqa: ANN401 - a module of another version
    """The same module, of 0.2.0."""
    with zipfile.ZipFile(WHEELS / f"camp_mgr-{NEIGHBOUR}-py3-none-any.whl") as wheel:
        source = wheel.read("campaign_common/domain/message_record.py")
    module = ModuleType("message_record_of_0_2_0")
    exec(compile(source, module.__name__, "exec"), module.__dict__)  # noqa: S102 - our own wheel
    return module


@pytest.mark.parametrize(
    "values",
    [
        (7, 1, 3, 2, 5, PHONE, "hi Ann"),
        (7, 2**31, 3, 2, 5, PHONE, 'quotes " { } \\ \x00 \u2028 emoji 😀', 2, 7, 4),
        (7, 3, 3, 2, 5, "", "", 0, 1, 0, "erased"),
    ],
    ids=["first-try", "any-text", "undeliverable"],
)
def test_a_text_is_the_record_of_0_2_0(previous: Any, values: tuple[Any, ...]) -> None:  # noqa: ANN401
    record = MessageRecord(TEXT_VERSION, *values)
    assert encode(record) == previous.encode(previous.MessageRecord(1, *values))
    assert decode(encode(record)) == record


@pytest.mark.parametrize(
    ("template", "originator"), [(ORDER, None), (None, "Shop"), (ORDER, "Shop")]
)
def test_other_content_is_too_new_for_0_2_0(
    previous: Any,  # noqa: ANN401 - a module of another version
    template: MessageTemplate | None,
    originator: str | None,
) -> None:
    record = MessageRecord(
        CONTENT_VERSION, 7, 1, 3, 2, 5, PHONE, "", template=template, originator=originator
    )
    assert decode(encode(record)) == record
    with pytest.raises(RecordTooNew):
        previous.decode(encode(record))


@pytest.mark.parametrize(
    "given",
    [
        {"seq": 2**32},
        {"generation": 2**16},
        {"try_number": 2**16},
        {"try_number": 0},
        {"attempts": 2**16},
        {"undeliverable": "größer"},
    ],
    ids=lambda given: "".join(f"{name} {value}" for name, value in given.items()),
)
def test_a_value_that_no_ledger_holds_is_invalid(given: dict[str, Any]) -> None:
    """One such row would keep all that is recorded in the same transaction from being recorded."""
    record = MessageRecord(1, 7, 1, 0, 1, 1, "13961467500", "hi")
    value = encode(msgspec.structs.replace(record, **given))
    with pytest.raises(RecordInvalid):
        decode(value)
