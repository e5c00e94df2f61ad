"""Meanings of keywords in inbound messages."""

from enum import StrEnum


class KeywordKind(StrEnum):
    """The meaning of a keyword, the most important one first."""

    STOP = "stop"
    START = "start"
    HELP = "help"
