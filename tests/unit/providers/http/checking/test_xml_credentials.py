"""Documents in XML as a check shows them: without the constants that are credentials."""

import re
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy, builds, lists, recursive, sampled_from

from campaign_providers.check import MASKED
from campaign_providers.http import HttpCheck
from campaign_providers.http.checking.credentials import MaskedSettings
from tests.unit.providers.gateways import Outbound, gateway

SECRETS = {"token": {"Value": "t0k&n \"<secret>' %41+"}}

NAMES = sampled_from(
    ("x", "id", "name", "value", "pin", "password", "apiKey", "auth:key", "token:id", "xmlns:auth")
)

NAMED = re.compile(
    r"(?i)(?=<[^<>/]*(?:password|token|auth|api_?key)[^<>/]*>([^<]+)</"
    r"|(?<![\w:.-])[\w:.-]*(?:password|token|auth|api_?key)[\w:.-]*\s*=\s*[\"']([^\"']+)[\"'])"
)
"""Place before a value with the name of a credential, whatever the text around it is."""

WORD = re.compile(r"hid[0-9]+den")


def shown(document: str) -> str:
    body = {"Type": "xml", "Xml": document}
    check = HttpCheck("gateway", gateway(Secrets=SECRETS, Body=body))
    request = check.prepare(Outbound()).request
    assert request is not None
    return request.body


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param("<p><![CDATA[hidden]]></p>", "<p><![CDATA[hidden]]></p>", id="no credential"),
        pytest.param(
            "<password><![CDATA[hidden]]></password>",
            "<password><![CDATA[MASKED]]></password>",
            id="cdata",
        ),
        pytest.param(
            "<password>hid<![CDATA[den]]></password>",
            "<password>MASKED<![CDATA[MASKED]]></password>",
            id="text and cdata",
        ),
        pytest.param(
            '<w:Password Type="http://a.example/x#PasswordText">hidden</w:Password>',
            '<w:Password Type="http://a.example/x#PasswordText">MASKED</w:Password>',
            id="address in an attribute",
        ),
        pytest.param(
            '<param name="password" type="text" value="hidden"/>',
            '<param name="password" type="text" value="MASKED"/>',
            id="param with a value",
        ),
        pytest.param(
            "<param value='hidden' name='apikey'/><to>{phone}</to>",
            "<param value='MASKED' name='apikey'/><to>***********78</to>",
            id="param with its name behind",
        ),
        pytest.param(
            '<param name="password">hidden</param><param name="text">hidden</param>',
            '<param name="password">MASKED</param><param name="text">MASKED</param>',
            id="param with a text, which is masked elsewhere too",
        ),
        pytest.param(
            "<member><name>password</name><value><string>hidden</string></value></member>"
            "<member><name>to</name><value><string>you</string></value></member>",
            "<member><name>password</name><value><string>MASKED</string></value></member>"
            "<member><name>to</name><value><string>you</string></value></member>",
            id="member of XML-RPC",
        ),
        pytest.param(
            "<key>token</key><s>hidden</s><key>to</key><s>you</s>",
            "<key>token</key><s>MASKED</s><key>to</key><s>you</s>",
            id="keys and values in turn",
        ),
        pytest.param(
            "<auth><user>hidden</user>\n<pin> 1234 </pin></auth>",
            "<auth><user>MASKED</user>\n<pin> MASKED </pin></auth>",
            id="below a name that gives it away",
        ),
        pytest.param(
            "<password>hidden{secret.token}</password>",
            "<password>MASKED</password>",
            id="constant beside a secret",
        ),
        pytest.param(
            "<token>hidden1:{key}</token>",
            "<token>MASKED:7-5-0</token>",
            id="constant beside a value of the message",
        ),
        pytest.param(
            "<password>hid&amp;den&#49;</password><x>hid&amp;den1</x>",
            "<password>MASKED</password><x>MASKED</x>",
            id="written with references",
        ),
        pytest.param("<m><text>a &amp; b</text></m>", "<text>a &amp; b</text>", id="as it was"),
        pytest.param("<!-- <password> --><a>{body}</a>", "<!-- <password> --><a>hi</a>", id="note"),
        pytest.param(
            '<auth:key xmlns:auth="urn:a">hidden</auth:key>',
            '<auth:key xmlns:auth="MASKED">MASKED</auth:key>',
            id="prefix that gives it away",
        ),
        pytest.param(
            '<m xmlns:token="http://a.example/"><token:id><a>hidden</a></token:id></m>',
            '"><token:id><a>MASKED</a></token:id>',
            id="below such a prefix",
        ),
        pytest.param(
            "<x><![CDATA[<password>hidden</password>]]></x>",
            "<x><![CDATA[<password>MASKED</password>]]></x>",
            id="document in cdata",
        ),
        pytest.param(
            '<x><![CDATA[<p name="pin" value="hid&amp;den"/></p>]]></x><y>hid&amp;den</y>',
            '<x><![CDATA[<p name="pin" value="MASKED"/></p>]]></x><y>MASKED</y>',
            id="what names it in a document in cdata",
        ),
        pytest.param(
            """<cmd>login password="hidden" pin='1' token = 'hid den' to={phone}</cmd>""",
            """<cmd>login password="MASKED" pin='1' token = 'MASKED' to=***********78</cmd>""",
            id="name and value in a text",
        ),
        pytest.param(
            '<!-- password="hidden" --><a><!-- <token>hidden</token> --></a>',
            '<!-- password="MASKED" --><a><!-- <token>MASKED</token> --></a>',
            id="comments",
        ),
        pytest.param(
            '<!-- <login password="hidden">hidden2</login> -->',
            '<!-- <login password="MASKED">MASKED</login> -->',
            id="attribute and text in a comment",
        ),
        pytest.param('<?auth token="hidden"?>', '<?auth token="MASKED"?>', id="instruction"),
        pytest.param(
            """<a xmlnsPassword="hid'den" b="c"/>""",
            """<a xmlnsPassword="MASKED" b="c"/>""",
            id="attribute that begins as a namespace does",
        ),
        pytest.param(
            "<auth>{key} token='hid d'</auth><b>{body}</b>",
            "<auth>MASKED</auth><b>hi</b>",
            id="name and value in a credential",
        ),
    ],
)
def test_credentials_in_xml_are_masked_by_their_names(document: str, expected: str) -> None:
    assert expected in shown(f"<sendAuthenticated>{document}{{body}}</sendAuthenticated>")


def literals(document: str) -> str:
    """Return what is shown of a document itself, without the forms that an answer may have."""
    masked = MaskedSettings(gateway(Body={"Type": "xml", "Xml": document}))
    assert masked.settings.body.xml is not None
    text = " ".join(p for p in masked.settings.body.xml.pieces if isinstance(p, str))
    for constant in sorted(filter(None, masked.constants), key=len, reverse=True):
        text = text.replace(constant, MASKED)
    return text


def named(name: str, quote: str, value: str) -> str:
    return f"{name}={quote}{value}{quote}"


def values() -> SearchStrategy[str]:
    return sampled_from(("hid0den", "{key} hid0den", "password", "pin", "to"))


def without(text: str, *ends: str) -> str:
    """Return a text without placeholders, which stand between tags only, and without ends."""
    for each in ("{key}", *ends):
        text = text.replace(each, "")
    return text


def parts(below: SearchStrategy[str]) -> SearchStrategy[str]:
    attribute = builds(named, NAMES, sampled_from("\"'"), values())
    several = lists(below, max_size=3).map("".join)
    return (
        builds("<{0} {1}>{2}</{0}>".format, NAMES, attribute, several)
        | builds("<{0}>{1}</{0}>".format, NAMES, several)
        | builds("<{} {}/>".format, NAMES, attribute)
        | attribute
        | several.map(lambda text: f"<![CDATA[{without(text, '<![CDATA[', ']]>')}]]>")
        | several.map(lambda text: f"<!--{without(text, '--')} -->")
        | several.map(lambda text: f"<?auth {without(text, '?>')}?>")
    )


@given(recursive(values(), parts, max_leaves=12))
@settings(max_examples=100, deadline=None)
def test_no_value_behind_a_name_is_shown(document: str) -> None:
    """Wherever it stands: in elements, attributes, texts, CDATA, comments and instructions."""
    numbers = count(1)
    document = WORD.sub(lambda _: f"hid{next(numbers)}den", document)
    found = {
        word
        for literal in document.split("{key}")
        for match in NAMED.finditer(literal)
        for word in WORD.findall(match[match.lastindex or 0])
    }
    assert not found & set(WORD.findall(literals(f"<r>{document}{{body}}</r>")))
