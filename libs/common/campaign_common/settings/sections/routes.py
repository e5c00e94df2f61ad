"""Routes: which providers the messages of a campaign may take."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError
from marshmallow.fields import List

from campaign_common.domain.content.price import is_prefix
from campaign_common.domain.routing.route import Route
from campaign_common.settings.declaration import (
    NamedSections,
    SectionList,
    key,
    section_class,
)
from campaign_common.settings.fields.plain import Flag, Int, String, Value
from campaign_common.settings.fields.prefixes import NO_PREFIX, NOT_QUOTED, are_quoted

LONGEST_NAME = 32


@section_class
class ChoiceSettings:
    """A provider among which a route chooses."""

    provider: str = key("Provider", String(longest=LONGEST_NAME))
    """The name of a provider."""
    weight: int = key("Weight", Int(1, 1_000_000), default=1)
    """The share of messages that begin with this provider, in proportion to the other weights."""


class Names(Value[tuple[str, ...]], List[Any]):
    """A list of names of providers."""

    from_environment = False

    def __init__(self) -> None:
        values = "list of names of providers"
        super().__init__(f"expected a {values}", values, cls_or_instance=String(LONGEST_NAME))

    def _deserialize(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - marshmallow's
        return tuple(super()._deserialize(*arguments, **named))


class Prefixes(Value[Mapping[str, str]]):
    """A mapping of the first digits of phone numbers to names of routes or providers."""

    from_environment = False

    def __init__(self) -> None:
        self._name = String(LONGEST_NAME)
        values = "mapping of first digits of phone numbers to routes or providers"
        super().__init__(f"expected a {values}", values)

    def _deserialize(self, value: object, *_: Any, **__: Any) -> Mapping[str, str]:  # noqa: ANN401
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        if not are_quoted(value):
            raise ValidationError(NOT_QUOTED)
        wrong = {digits: [NO_PREFIX] for digits in value if not is_prefix(digits)}
        if wrong:
            raise ValidationError(wrong)
        return {digits: str(self._name.deserialize(name)) for digits, name in value.items()}


@section_class
class RouteSettings:
    """A route."""

    choose: tuple[ChoiceSettings, ...] = key(
        "Choose", SectionList(ChoiceSettings, "list of sections with Provider and Weight")
    )
    """The providers that messages begin with. Which one a message takes follows from its
    idempotency key and the weights; one that rests is passed over."""
    failover: tuple[str, ...] = key("Failover", Names(), default=[])
    """The providers that a message takes, in this order, after the proof that the one before did
    not take it. Without any it is tried again at the same one."""
    after_doubt: bool = key("AfterDoubt", Flag(), default=False)
    """`true`: a message that may have been taken goes on to another provider, too, after a send
    without a clear answer, a proof about a later one, or while its provider rests. Recipients may
    get it twice; these sends are counted. For `Delivery: at_least_once` alone."""
    prefixes: Mapping[str, str] = key("Prefixes", Prefixes(), default={})
    """The routes or providers that phone numbers take that begin with these digits, the longest
    match first; such a route has no `Prefixes` of its own."""

    @property
    def route(self) -> Route:
        """The route that messages take whose number matches no prefix."""
        choose = tuple((choice.provider, choice.weight) for choice in self.choose)
        return Route(choose, self.failover, self.after_doubt)

    @property
    def described(self) -> Mapping[str, str]:
        """The values of the section by their keys, to be compared and shown."""
        prefixes = (f"{digits}: {name}" for digits, name in sorted(self.prefixes.items()))
        return {
            "Choose": ", ".join(f"{one.provider} {one.weight}" for one in self.choose),
            "Failover": ", ".join(self.failover),
            "AfterDoubt": str(self.after_doubt).lower(),
            "Prefixes": ", ".join(prefixes),
        }


class RouteMap(NamedSections):
    """Routes by name."""

    def __init__(self) -> None:
        super().__init__({"route": RouteSettings}, "routes")
