import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_api.errors import CsvRefused
from campaign_common.domain.phone_number import EMPTY, LETTERS
from campaign_common.domain.recipient import NAME_TOO_LONG
from tests.unit.api.lists.importer.csv_text import LIMITS, parse

PHONE = "13961467500"


def test_file_without_header_has_name_and_phone() -> None:
    parsed = parse(f"user1,{PHONE}\nuser2,+86 139-6146-7501\n")
    assert [(row.seq, row.name, row.phone) for row in parsed.accepted] == [
        (1, "user1", "13961467500"),
        (2, "user2", "8613961467501"),
    ]
    assert parsed.accepted[0].attributes is None


def test_header_may_name_columns_in_any_order_and_case() -> None:
    parsed = parse(f'City, PHONE ,"Name"\nOslo,{PHONE},Ann\n')
    (row,) = parsed.accepted
    assert (row.name, row.phone, json.loads(row.attributes or "")) == (
        "Ann",
        PHONE,
        {"city": "Oslo"},
    )


def test_name_column_may_be_missing() -> None:
    (row,) = parse(f"phone\n{PHONE}\n").accepted
    assert row.name == ""


def test_somebody_called_phone_is_no_header() -> None:
    assert parse(f"phone,{PHONE}\n").names == ["phone"]


def test_byte_order_mark_does_not_hide_the_header() -> None:
    assert parse(b"\xef\xbb\xbfphone,name\n13961467500,Ann\n").names == ["Ann"]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("name,mobile\nAnn,13961467500", "missing column phone: the header names name, mobile"),
        ("id,mobile,town\n1,13961467500,Oslo", "missing column phone"),
        ("phone,name,PHONE\n13961467500,Ann,1", "column phone twice"),
        ("phone,,name\n13961467500,,Ann", "column 2 of the header has no name"),
        ("phone," + ",".join(f"c{n}" for n in range(64)), "65 columns; at most 64"),
    ],
)
def test_bad_header_is_refused(header: str, said: str) -> None:
    with pytest.raises(CsvRefused, match=said):
        parse(header)


def test_every_fault_of_a_row_has_its_reason() -> None:
    parsed = parse(
        f"phone,name,city\n{PHONE},ok,Oslo\n,no phone,Oslo\nabc,bad,Oslo\n"
        f"{PHONE},{'n' * 256},Oslo\n{PHONE},long,{'c' * 1025}\n{PHONE},few\n{PHONE},a,b,c\n"
    )
    assert parsed.names == ["ok"]
    assert parsed.reasons == {
        3: EMPTY,
        4: LETTERS,
        5: NAME_TOO_LONG,
        6: "city is longer than 1024 characters",
        7: "2 columns where 3 are expected (phone, name, city)",
        8: "4 columns where 3 are expected (phone, name, city)",
    }


def test_raw_text_of_a_reject_is_bounded() -> None:
    (reject,) = parse(f"{'x' * 60_000},{PHONE}\n").rejects
    assert reject.raw_text == "x" * 2000


def test_blank_lines_are_no_rows_but_count_as_lines() -> None:
    parsed = parse(f"\n  \na,{PHONE}\n\n\t\nbad\n")
    assert (parsed.names, list(parsed.reasons)) == (["a"], [6])


def test_line_breaks_and_commas_in_quotes_belong_to_a_field() -> None:
    """Line breaks and commas inside quotes belong to the field."""
    parsed = parse(
        f'name,phone,address\n"Ann, MD",{PHONE},"1 High St\nOslo\n\nNorway"\nBob,1396146750,x\n'
    )
    assert parsed.names == ["Ann, MD", "Bob"]
    assert json.loads(parsed.accepted[0].attributes or "")["address"] == "1 High St\nOslo\n\nNorway"


@pytest.mark.parametrize(
    "bad",
    [
        f'"user2,{PHONE}',
        f'user2",{PHONE}',
        f'us"er2,{PHONE}',
        f'user2,"{PHONE}',
        f'user2,{PHONE}"',
        '"',
        '"""',
        f'"user"2,{PHONE}',
    ],
)
def test_lone_quote_costs_only_its_own_row(bad: str) -> None:
    around = [f"user{n},{13961467500 + n}" for n in range(50)]
    parsed = parse("\n".join([*around[:25], bad, *around[25:]]))
    assert parsed.names == [f"user{n}" for n in range(50)]
    assert list(parsed.reasons) == [26]


def test_two_lone_quotes_near_each_other_cost_two_rows() -> None:
    parsed = parse(f'"a,{PHONE}\nb,13961467501\nc",13961467502\nd,13961467503\n')
    assert parsed.names == ["b", "d"]
    assert list(parsed.reasons) == [1, 3]


def test_quote_that_is_never_closed_costs_only_its_own_row() -> None:
    parsed = parse('phone,note\n13961467500,"open\n' + "no phone here\n" * 40 + "13961467501,x\n")
    assert [row.phone for row in parsed.accepted] == ["13961467501"]
    assert len(parsed.rejects) == 41


def test_attributes_keep_every_character() -> None:
    value = "O'Neil \\ 50% 😀 \t;--"
    parsed = parse(f"phone,note\n{PHONE},{value}\n")
    assert json.loads(parsed.accepted[0].attributes or "") == {"note": value}


ROW = st.one_of(
    st.just(f"user,{PHONE}"),
    st.just("bad row"),
    st.just(f'"quoted",{PHONE}'),
    st.text(st.sampled_from('a1",\u00e9 '), min_size=1, max_size=12).filter(str.strip),
)


@given(st.lists(ROW, max_size=40))
def test_every_line_is_accepted_or_rejected_exactly_once(rows: list[str]) -> None:
    parsed = parse("\n".join([f"first,{PHONE}", *rows]))
    swallowed = sum(row.name.count("\n") for row in parsed.accepted) + sum(
        reject.raw_text.count("\n") for reject in parsed.rejects
    )
    assert len(parsed.accepted) + len(parsed.rejects) + swallowed == len(rows) + 1
    assert [row.seq for row in parsed.accepted] == list(range(1, len(parsed.accepted) + 1))
    assert parsed.names.count("user") == rows.count(f"user,{PHONE}")


@given(st.binary(max_size=400))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    limits = replace(LIMITS, max_line_bytes=50)
    try:
        parsed = parse(data, limits)
    except CsvRefused:
        return
    lines = [reject.line for reject in parsed.rejects]
    assert lines == sorted(set(lines))
