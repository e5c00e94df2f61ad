import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign_common.dsn import mask_secrets, parse_dsn
from campaign_common.errors import DsnInvalid

SAMPLE = "root:123456@tcp(127.0.0.1:3306)/camp?&parseTime=true&charset=utf8mb4"


def test_the_sample_is_understood() -> None:
    dsn = parse_dsn(SAMPLE)
    assert (dsn.user, dsn.password, dsn.database) == ("root", "123456", "camp")
    assert (dsn.protocol, dsn.host, dsn.port) == ("tcp", "127.0.0.1", 3306)


@pytest.mark.parametrize("password", ["p@ss", "a:b", "a/b", "a@tcp(b)/c", "ü%s'\"\\", "(", ""])
def test_a_password_may_hold_every_separator(password: str) -> None:
    dsn = parse_dsn(f"user:{password}@tcp(db:3307)/camp")
    assert (dsn.user, dsn.password, dsn.host, dsn.port) == ("user", password, "db", 3307)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_password_survives(password: str) -> None:
    assert parse_dsn(f"user:{password}@tcp(db:3307)/camp").password == password


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("tcp(db:3307)", "db:3307"),
        ("tcp(db)", "db:3306"),
        ("tcp", "127.0.0.1:3306"),
        ("", "127.0.0.1:3306"),
        ("(db)", "db:3306"),
        ("tcp([::1]:3307)", "[::1]:3307"),
        ("tcp([fe80::1])", "[fe80::1]:3306"),
        ("unix(/run/my sql.sock)", "/run/my sql.sock"),
        ("unix", "/tmp/mysql.sock"),  # noqa: S108 - the Go driver's default
    ],
)
def test_every_form_of_address_is_understood(place: str, address: str) -> None:
    assert parse_dsn(f"user:secret@{place}/camp").address == address


def test_parameters_have_their_effect() -> None:
    parameters = parse_dsn(
        "u@/camp?timeout=3s&readTimeout=250ms&tls=skip-verify&collation=utf8mb4_bin&loc=UTC"
        "&wait_timeout=60&group_concat_max_len=1000000"
    ).parameters
    assert (parameters.connect_timeout, parameters.read_timeout) == (3.0, 0.25)
    assert (parameters.tls, parameters.collation) == ("skip-verify", "utf8mb4_bin")
    assert parameters.system_variables == (
        ("wait_timeout", "60"),
        ("group_concat_max_len", "1000000"),
    )


@pytest.mark.parametrize(
    ("dsn", "problem"),
    [
        ("camp", "there is no /"),
        ("user:hidden@udp(db)/camp", "user:password@tcp"),
        ("user:hidden@tcp(db/camp", "no closing parenthesis"),
        ("user:hidden@tcp(::1)/camp", "in brackets"),
        ("user:hidden@tcp(db:x)/camp", "a port from 1 to 65535"),
        ("user:hidden@tcp(db:70000)/camp", "a port from 1 to 65535"),
        ("user:hidden@/camp?loc=Asia/Shanghai", "must be written %2F"),
        ("user:hidden@/camp?timeout=5", "parameter timeout: expected a duration"),
        ("user:hidden@/camp?tls=maybe", "expected true, false, skip-verify or preferred"),
        ("user:hidden@/camp?charset=latin1", "expected charset=utf8mb4"),
        ("user:hidden@/camp?multiStatements=true", "multiStatements is not supported"),
        ("user:hidden@/camp?sql_mode=''", "set by this system"),
        ("user:hidden@/camp?a b=1", "letters, digits and _"),
        ("user:hidden@/camp?x=1%2C y%3D2", "expected a number, a word or 'text'"),
    ],
)
def test_a_refusal_says_what_was_expected_and_never_the_password(dsn: str, problem: str) -> None:
    with pytest.raises(DsnInvalid) as refusal:
        parse_dsn(dsn)
    assert problem in str(refusal.value)
    assert "hidden" not in str(refusal.value)


def test_what_is_off_by_default_may_be_named() -> None:
    assert parse_dsn("u@/camp?multiStatements=false&allowAllFiles=false").user == "u"


def test_no_text_form_shows_the_password() -> None:
    dsn = parse_dsn("user:hidden@tcp(db)/camp")
    for text in (str(dsn), repr(dsn), dsn.masked(), f"{dsn}"):
        assert "hidden" not in text
    assert str(dsn) == "user:***@tcp(db:3306)/camp"


def test_passwords_inside_longer_texts_are_masked() -> None:
    assert mask_secrets("cannot open root:12@3/4@tcp(db:3306)/camp now") == (
        "cannot open root:***@tcp(db:3306)/camp now"
    )
    assert mask_secrets("root:1234@/camp") == "root:***@/camp"
    assert mask_secrets("started at 12:30, mail to a@b") == "started at 12:30, mail to a@b"
