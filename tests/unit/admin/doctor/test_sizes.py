import pytest

from campaign_admin.doctor.sizes import judge_sizes

JUDGED = [
    pytest.param(1_048_588, 1_048_588, [("ok", "1,000,000 bytes")], id="the brokers' default"),
    pytest.param(262_144, 1_048_588, [("ok", "262,144 bytes")], id="a small offer"),
    pytest.param(65_736, 65_736, [("ok", "65,736 bytes")], id="just enough"),
    pytest.param(65_735, 65_735, [("attention", "whose record is larger fails")], id="too small"),
    pytest.param(1_048_588, 262_144, [("attention", "T-DLQ takes 262,144")], id="dead letters"),
    pytest.param(
        2_000, 1_000, [("attention", "takes 2,000"), ("attention", "T-DLQ")], id="both too small"
    ),
]


@pytest.mark.parametrize(("limit", "letters", "expected"), JUDGED)
def test_limits_are_compared(limit: int, letters: int, expected: list[tuple[str, str]]) -> None:
    found = judge_sizes("T", limit, letters)
    assert [one.verdict for one in found] == [verdict for verdict, _ in expected]
    assert all(words in one.said for one, (_, words) in zip(found, expected, strict=True))


def test_what_is_too_small_is_raised_by_a_command() -> None:
    topic, letters = judge_sizes("T", 2_000, 1_000)
    assert topic.mend == "kafka-configs.sh --alter --topic T --add-config max.message.bytes=1000000"
    assert letters.mend is not None
    assert "--topic T-DLQ --add-config max.message.bytes=2000" in letters.mend
