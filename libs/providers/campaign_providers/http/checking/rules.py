"""Rules of `Answers` as they are written, for whom a check explains an answer."""

from collections.abc import Iterator, Mapping
from re import Pattern

from campaign_common.settings import AnswerRule, AnswerRules
from campaign_common.settings.fields.answers import JsonPath, codes_of
from campaign_common.settings.sections.providers.answers import DefaultRule


def described(rule: AnswerRule, rules: AnswerRules, preset: str | None) -> str:
    """Return a rule with its place among `rules`, from 1."""
    if isinstance(rule, DefaultRule):
        return f"default by status: {written(rule)}"
    place = next(n for n, each in enumerate(rules, 1) if each is rule)
    after = "" if preset is None else f", with those of the preset {preset}"
    return f"rule {place} of Answers{after}: {written(rule)}"


def written(rule: AnswerRule) -> str:
    """Return a rule as one line of YAML."""
    return f"{{{', '.join(f'{name}: {value}' for name, value in _keys(rule))}}}"


def _keys(rule: AnswerRule) -> Iterator[tuple[str, str]]:
    if rule.status is not None:
        yield "Status", _one_or_list(_statuses(rule.status))
    if rule.json:
        conditions = {
            ".".join(each.path): _matches(each.pattern)
            if each.pattern is not None
            else _one_or_list(sorted(each.values))
            for each in rule.json
        }
        yield "Json", _mapping(conditions)
    if rule.text is not None:
        yield "Text", repr(rule.text)
    if rule.transport is not None:
        yield "Transport", _one_or_list(sorted(rule.transport))
    yield "Then", rule.then.value
    if rule.effect is not None:
        yield "Effect", rule.effect
    for name, place in (("Id", rule.id), ("Code", rule.code)):
        if place is not None:
            yield name, _place(place)
    after = rule.retry_after
    if after is not None:
        where = {"Header": after.header} if after.header else {"Json": _place(after.json or ())}
        yield "RetryAfter", _mapping(where)


def _statuses(statuses: frozenset[int]) -> list[str]:
    left = set(statuses)
    found = []
    for status_class in ("1xx", "2xx", "3xx", "4xx", "5xx"):
        if left.issuperset(codes_of(status_class)):
            left.difference_update(codes_of(status_class))
            found.append(status_class)
    return sorted([*map(str, left), *found])


def _one_or_list(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"[{', '.join(items)}]"


def _mapping(values: Mapping[str, str | None]) -> str:
    return f"{{{', '.join(f'{name}: {value}' for name, value in values.items())}}}"


def _place(place: JsonPath | Pattern[str]) -> str:
    return ".".join(place) if isinstance(place, tuple) else _matches(place)


def _matches(pattern: Pattern[str]) -> str:
    return f"{{Matches: {pattern.pattern!r}}}"
