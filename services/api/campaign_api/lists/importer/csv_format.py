"""Format of a CSV file: delimiter, encoding, columns, region of the numbers."""

from dataclasses import dataclass

DELIMITERS = (",", ";", "|", "\t")

UTF_8 = "utf-8"

ENCODINGS = (
    UTF_8,
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "koi8-r",
    "shift_jis",
    "euc-jp",
    "euc-kr",
    "gb18030",
    "big5",
)
"""Names of the IANA registry in lower case. utf-16 needs a byte order mark."""


@dataclass(frozen=True, kw_only=True)
class CsvFormat:
    """The format of a file as the client declares it; the defaults are the plain form.

    `phone_column` and `name_column` name the columns of the header that are phone and name;
    `default_region` is the region (ISO 3166-1) that numbers without country code belong to.
    """

    delimiter: str = ","
    encoding: str = UTF_8
    phone_column: str | None = None
    name_column: str | None = None
    default_region: str | None = None


PLAIN = CsvFormat()
