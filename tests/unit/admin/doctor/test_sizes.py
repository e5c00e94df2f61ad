import pytest

from campaign_admin.doctor.sizes import judge_sizes

JUDGED = [
    pytest.param(1_048_588, 1_048_588, [("ok", "1,000,000 bytes")], id="the brokers' default"),
    pytest.param(262_144, 1_048_588, [("ok", "262,144 bytes")], id="a small offer"),
    pytest.param(65_736, 65_736, [("ok", "65,736 bytes")], id="just enough"),
    pytest.param(65_735, 65_735, [("warning", "whose record is larger fails")], id="too small"),
    pytest.param(1_048_588, 262_144, [("warning", "T-DLQ takes 262,144")], id="dead letters"),
    pytest.param(
        2_000, 1_000, [("warning", "takes 2,000"), ("warning", "T-DLQ")], id="both too small"
    ),
]


@pytest.mark.parametrize(("limit", "letters", "expected"), JUDGED)
def test_limits_are_compared(limit: int, letters: int, expected: list[tuple[str, str]]) -> None:
    found = judge_sizes("T", limit, letters)
    assert [one.status for one in found] == [status for status, _ in expected]
    assert all(words in one.message for one, (_, words) in zip(found, expected, strict=True))


def test_what_is_too_small_is_raised_by_a_command() -> None:
    topic, letters = judge_sizes("T", 2_000, 1_000)
    assert (
        topic.remedy == "kafka-configs.sh --alter --topic T --add-config max.message.bytes=1000000"
    )
    assert letters.remedy is not None
    assert "--topic T-DLQ --add-config max.message.bytes=2000" in letters.remedy
