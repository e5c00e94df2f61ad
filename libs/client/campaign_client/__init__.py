"""A client of the camp-mgr API."""

from campaign_client.client import Client
from campaign_client.errors import (
    ApiProblem,
    ClientError,
    ClientMisconfigured,
    NotTheApi,
    ProblemNotAllowed,
    ProblemNotFound,
    ProblemOutside,
    ProblemRefused,
    ServiceUnreachable,
    WaitedTooLong,
)
from campaign_client.webhook import WebhookRejected, verify_webhook

__all__ = [
    "ApiProblem",
    "Client",
    "ClientError",
    "ClientMisconfigured",
    "NotTheApi",
    "ProblemNotAllowed",
    "ProblemNotFound",
    "ProblemOutside",
    "ProblemRefused",
    "ServiceUnreachable",
    "WaitedTooLong",
    "WebhookRejected",
    "verify_webhook",
]
