"""Errors of the client, each with what a caller can do about it."""

from typing import Any

Json = dict[str, Any]


class ClientError(Exception):
    """Base of all errors of the client; its text is one line."""


class ClientMisconfigured(ClientError):
    """The URL or the key is not one; nothing was sent."""


class ServiceUnreachable(ClientError):
    """The API did not answer; a request that changes something may have been done."""


class NotTheApi(ClientError):
    """Something answered that is not the API."""


class WaitedTooLong(ClientError):
    """A campaign has not reached a state within the time given."""


class ApiProblem(ClientError):
    """The API answered with a problem document (RFC 9457)."""

    def __init__(self, status: int, problem: Json) -> None:
        self.status = status
        self.problem = problem
        super().__init__(str(problem.get("detail") or problem.get("title") or f"status {status}"))


class ProblemOutside(ApiProblem):
    """The API cannot answer now (5xx), or has refused for too long (429)."""


class ProblemNotAllowed(ApiProblem):
    """The key is missing or wrong (401), or its scope does not suffice (403)."""


class ProblemNotFound(ApiProblem):
    """There is nothing at this path (404)."""


class ProblemRefused(ApiProblem):
    """The rules of the API refuse the request (400, 409, 412, 422, ...)."""


def problem_of(status: int, problem: Json) -> ApiProblem:
    """Return the error of a status from 400."""
    if status >= 500 or status == 429:
        return ProblemOutside(status, problem)
    if status in {401, 403}:
        return ProblemNotAllowed(status, problem)
    return (ProblemNotFound if status == 404 else ProblemRefused)(status, problem)
