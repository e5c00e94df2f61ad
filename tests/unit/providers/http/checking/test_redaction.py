"""Secrets and the number in the texts of a gateway, in whatever form it repeats them."""

import json
import quopri
from base64 import b64encode, urlsafe_b64encode
from html import escape
from time import process_time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis.strategies import characters, text

from campaign_providers.http.checking.credentials import credential_values
from campaign_providers.http.checking.redaction import Redaction
from tests.unit.providers.gateways import gateway

SECRET = 'a&b "c"/d<e>\'f\\g+h%41=='
PARTS = SECRET[:2], SECRET[2:9], SECRET[9:]
PHONE = "4915112345678"

PRINTABLE = text(characters(min_codepoint=32, max_codepoint=126), min_size=6, max_size=40)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(SECRET, id="plain"),
        pytest.param(quote(SECRET, safe=""), id="percent-encoded"),
        pytest.param(quote(SECRET, safe="").lower(), id="percent-encoded in small letters"),
        pytest.param(quote_plus(SECRET), id="form"),
        pytest.param(quote(quote(SECRET, safe=""), safe=""), id="encoded twice"),
        pytest.param(json.dumps(SECRET)[1:-1], id="json"),
        pytest.param(json.dumps(SECRET)[1:-1].replace("/", r"\/"), id="json of PHP"),
        pytest.param(
            json.dumps(SECRET)[1:-1].replace("&", r"\u0026").replace("<", r"\u003C"),
            id="json of Go",
        ),
        pytest.param(escape(SECRET), id="html"),
        pytest.param(SECRET.upper(), id="in capitals"),
        pytest.param("".join(f"&#{ord(c)};" for c in SECRET), id="numeric references"),
        pytest.param(SECRET.replace("=", "=3D").replace(" ", "=20"), id="quoted-printable"),
        pytest.param("".join(f"={ord(c):02X}" for c in SECRET), id="all of it quoted"),
        pytest.param("=\n".join(SECRET.replace("=", "=3D")), id="quoted-printable, broken"),
        pytest.param("\r\n ".join(PARTS), id="folded"),
        pytest.param(SECRET.replace(" ", "\r\n "), id="folded at the space"),
        pytest.param(SECRET.replace(" ", "\r\n\t"), id="folded with a tab"),
        pytest.param(json.dumps("\r\n\t".join(PARTS))[1:-1], id="folded, in json"),
        pytest.param("&#13;&#10; ".join(map(escape, PARTS)), id="folded, in xml"),
        pytest.param(quote("\r\n ".join(PARTS), safe=" "), id="folded, percent-encoded"),
    ],
)
def test_a_secret_is_masked_in_every_form(form: str) -> None:
    redact = Redaction([SECRET, "other-secret"], PHONE)
    assert redact(f"<<{form}>>") == "<<MASKED>>"


@settings(max_examples=50)
@given(PRINTABLE)
def test_no_form_of_any_secret_is_left(secret: str) -> None:
    redact = Redaction([secret], PHONE)
    encoded = quote(secret, safe="")
    for form in (secret, encoded, json.dumps(secret)[1:-1], escape(secret)):
        assert redact(f"\n{form}\n") == "\nMASKED\n"


@pytest.mark.parametrize("before", [0, 40, 70])
def test_a_long_secret_in_quoted_printable_text_is_masked(before: int) -> None:
    secret = "ey." + "aZ0=" * 100
    text = quopri.encodestring(f"{'x' * before} {secret} ü".encode()).decode()
    assert text.count("=\n") > 5
    shown = Redaction([secret], PHONE)(text)
    assert shown.replace("=\n", "") == f"{'x' * before} MASKED =C3=BC"


def test_lines_are_kept_where_nothing_is_masked() -> None:
    text = "a\r\n b=\r\nc\n\nsecr\r\n et-1\r\n\td\r\n"
    shown = Redaction(["secret-1"], PHONE)(text)
    assert shown == "a\r\n b=\r\nc\n\nMASKED\r\n\td\r\n"


def test_what_is_made_of_secrets_is_masked() -> None:
    basic = {"User": "{secret.user}", "Password": "{secret.word}"}
    secrets = {"user": "someone", "word": "hidden??>>"}
    configured = gateway(Basic=basic, Secrets={name: {"Value": "x"} for name in secrets})
    redact = Redaction(credential_values(configured, secrets, set()), PHONE)
    pair = b"someone:hidden??>>"
    for encoded in (b64encode(pair), urlsafe_b64encode(pair), b64encode(b"hidden??>>")):
        stripped = encoded.decode().rstrip("=")
        assert redact(f"got {stripped}") == "got MASKED"


@pytest.mark.parametrize("before", ["", "x", '{"t":"'])
def test_a_secret_within_other_encoded_text_is_masked(before: str) -> None:
    secret = "sk_live_9aZ0bY1cX2dW3eV4"
    configured = gateway(Secrets={"token": {"Value": "x"}})
    redact = Redaction(credential_values(configured, {"token": secret}, set()), PHONE)
    content = f"{before}{secret}!"
    forms = [b64encode(content.encode()), urlsafe_b64encode(content.encode())]
    shown = [redact(form.decode()) for form in forms]
    shown += [redact(content.encode().hex().upper()), redact(content.encode("utf-16-be").hex())]
    assert all("MASKED" in each for each in shown)


@pytest.mark.parametrize("said", ["pass%3Dabc12", r"x\nabc12", r"x\u003dabc12", "x=abc12"])
def test_a_short_secret_behind_an_escape_stands_apart(said: str) -> None:
    assert Redaction(["abc12"], PHONE)(said).endswith("MASKED")


def test_a_short_secret_is_masked_only_where_it_stands_apart() -> None:
    redact = Redaction(["me", "x1y2z3w4"], PHONE)
    assert redact("user=me, message: ax1y2z3w4b") == "user=MASKED, message: aMASKEDb"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("to 4915112345678.", "to ***********78."),
        ("+49 151 12345678", "+***********78"),
        ("+49%20151%2012345678", "+***********78"),
        ("tel:015112345678", "tel:0*********78"),
        ("0151/123 456-78", "0*********78"),
        (r"+49\u00a0151\u00a012345678", "+***********78"),
        ("&#52;&#57;15112345678", "***********78"),
        ("%34%39%31%35112345678", "***********78"),
        ("wa_id 5212345678", "wa_id 52******78"),
        ("=34=39=31511234=\r\n5678", "***********78"),
        ("49=20151=2012345678", "***********78"),
        ("49151\r\n  12345678", "***********78"),
        ('{"raw":"to: 49151\\r\\n 12345678"}', '{"raw":"to: ***********78"}'),
        ("4915&#13;&#10;  112345678", "***********78"),
        ("<to><![CDATA[4915112345678]]></to>", "<to><![CDATA[***********78]]></to>"),
        (
            '<param name="to" value="+49 151 12345678"/>',
            '<param name="to" value="+***********78"/>',
        ),
        (PHONE.encode("utf-16-be").hex(), "MASKED"),
        (PHONE.encode().hex(), "MASKED"),
        ("from 4915112345679", "from 4915112345679"),
    ],
)
def test_the_number_is_masked(said: str, shown: str) -> None:
    assert Redaction([], PHONE)(said) == shown


def seconds(redact: Redaction, said: str) -> float:
    """Measure the least processor time of three tries."""
    tries = []
    for _ in range(3):
        began = process_time()
        redact(said)
        tries.append(process_time() - began)
    return min(tries)


def test_a_long_secret_takes_hardly_more_time_than_letters() -> None:
    """Tried at each character in all its forms, it would take a thousand times as long."""
    token = "a%+b" * 100
    redact = Redaction([token, "%" * 200], PHONE)
    hostile = f"{token}!{'%25' * 20_000}"
    assert redact(hostile).startswith("MASKED!")
    assert seconds(redact, hostile) < 50 * seconds(redact, "a" * len(hostile))


def test_breaks_take_hardly_more_time_than_letters() -> None:
    """An answer of 64 KB may be made of breaks, and is redacted by all forms."""
    redact = Redaction(["sk-live-abcdef123456"], PHONE)
    letters = seconds(redact, "a" * 65_536)
    for line_break in ("\n", "\n ", "=\r\n a"):
        breaks = line_break * (65_536 // len(line_break))
        assert seconds(redact, breaks) < 10 * letters, repr(line_break)
