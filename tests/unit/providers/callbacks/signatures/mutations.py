"""Signed requests, and seeded changes of them, for the comparison with the vendors' validators."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from campaign_providers.callbacks.facts import CallbackPurpose, CallbackRequest
from campaign_providers.callbacks.signatures.verifier import Verifier

MUTATIONS = 1_000
URL_CHARACTERS = "abcXYZ0189-._~%&=+:@!$'()*,/?"
"""Characters of paths and queries, without those that urlparse takes away: # and ;."""

Change = Callable[[CallbackRequest, random.Random], CallbackRequest]


def is_accepted(verifier: Verifier, request: CallbackRequest) -> bool:
    return verifier.verify(request, CallbackPurpose.RECEIPTS) is None


def mutations(request: CallbackRequest, seed: int = 0) -> Iterator[CallbackRequest]:
    """Yield requests with one to three changes; about one in ten is as it was signed."""
    dice = random.Random(seed)  # noqa: S311 - repeatable changes
    yield request
    for _ in range(MUTATIONS):
        mutated = request
        for _ in range(dice.choice((0, 1, 1, 1, 1, 1, 1, 1, 2, 3))):
            mutated = dice.choice(CHANGES)(mutated, dice)
        yield mutated


def disagreements(
    verifier: Verifier, request: CallbackRequest, vendor: Callable[[CallbackRequest], bool]
) -> list[CallbackRequest]:
    """Return the mutations that the vendor's validator takes and ours does not, or the reverse.

    Both take the request as it was signed, and neither takes most of the others.
    """
    assert is_accepted(verifier, request)
    assert vendor(request)
    verdicts = [(each, is_accepted(verifier, each), vendor(each)) for each in mutations(request)]
    assert len(verdicts) == MUTATIONS + 1
    taken = sum(ours for _, ours, _ in verdicts)
    assert 10 < taken < MUTATIONS / 2
    return [each for each, ours, theirs in verdicts if ours is not theirs]


def _body_byte(request: CallbackRequest, dice: random.Random) -> CallbackRequest:
    body = bytearray(request.body)
    if body:
        body[dice.randrange(len(body))] = dice.randrange(256)
    return replace(request, body=bytes(body))


def _body_insertion(request: CallbackRequest, dice: random.Random) -> CallbackRequest:
    place = dice.randint(0, len(request.body))
    added = dice.choice((b"&", b"=", b"%41", b"&Body=", b" ", b"\x00", b"\xff", b"&To=1", b"}"))
    return replace(request, body=request.body[:place] + added + request.body[place:])


def _body_end(request: CallbackRequest, dice: random.Random) -> CallbackRequest:
    return replace(request, body=request.body[: dice.randint(0, len(request.body))])


def _path(request: CallbackRequest, dice: random.Random) -> CallbackRequest:
    start = request.url.index("/", len("https://"))
    place = dice.randint(start, len(request.url) - 1)
    character = dice.choice(URL_CHARACTERS)
    kept = dice.choice((place, place + 1))
    url = request.url[: start + 1] + (
        request.url[start + 1 : place] + character + request.url[max(kept, start + 1) :]
    )
    return replace(request, url=url)


def _header(request: CallbackRequest, dice: random.Random) -> CallbackRequest:
    name = dice.choice([each for each in sorted(request.headers) if each != "content-type"])
    value = list(request.headers[name])
    if value:
        value[dice.randrange(len(value))] = dice.choice("abcXYZ0189+/=-_.,é")
    return replace(request, headers={**request.headers, name: "".join(value)})


def _missing_header(request: CallbackRequest, dice: random.Random) -> CallbackRequest:
    name = dice.choice([each for each in sorted(request.headers) if each != "content-type"])
    return replace(request, headers={**request.headers, name: ""})


CHANGES: tuple[Change, ...] = (
    _body_byte,
    _body_insertion,
    _body_end,
    _path,
    _header,
    _missing_header,
)
