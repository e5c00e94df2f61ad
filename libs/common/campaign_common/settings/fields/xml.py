"""Field for an XML document with placeholders, each of which stands for text and nothing else."""

from xml.parsers import expat

from marshmallow import ValidationError

from campaign_common.settings.fields.templates import TemplateText, TextTemplate

ONLY_TEXT = "expected placeholders between tags and in values in quotes only"


class XmlDocument(TemplateText):
    """A well-formed document whose placeholders stand in character data and attribute values.

    A document type, which could define entities, is refused.
    """

    def _deserialize(self, value: object, *_: object, **__: object) -> TextTemplate:
        text = super()._deserialize(value)
        places = _Places(text)
        try:
            places.find()
        except expat.ExpatError as error:
            raise ValidationError(f"expected well-formed XML ({error})") from error
        return text


class _Places:
    """Parse of a template with a word, which occurs nowhere else in it, for each placeholder."""

    def __init__(self, text: TextTemplate) -> None:
        literals = "".join(piece for piece in text.pieces if isinstance(piece, str))
        word = "wx"  # of which no end is a beginning, so that occurrences do not overlap
        while word in literals:
            word += "x"
        self._word = word
        self._document = "".join(p if isinstance(p, str) else word for p in text.pieces)
        self._expected = len(list(text.placeholders))
        self._found = 0
        self._in_cdata = False

    def find(self) -> None:
        """Find each placeholder where text is.

        Raises:
            ExpatError: the document is not well-formed.
            ValidationError: a placeholder stands elsewhere, or there is more than a document.
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._document_type
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._characters
        parser.StartCdataSectionHandler = lambda: self._cdata(begins=True)
        parser.EndCdataSectionHandler = lambda: self._cdata(begins=False)
        parser.Parse(self._document.encode(), True)  # noqa: FBT003 - expat's isfinal
        if self._found != self._expected:
            raise ValidationError(ONLY_TEXT)

    def _declaration(self, _: str, encoding: str | None, __: int) -> None:
        if encoding is not None and encoding.lower() != "utf-8":
            raise ValidationError("expected the encoding UTF-8")

    def _document_type(self, *_: object) -> None:
        raise ValidationError("expected no document type")

    def _start(self, _: str, attributes: dict[str, str]) -> None:
        self._found += sum(value.count(self._word) for value in attributes.values())

    def _characters(self, text: str) -> None:
        if not self._in_cdata:
            self._found += text.count(self._word)

    def _cdata(self, *, begins: bool) -> None:
        self._in_cdata = begins
