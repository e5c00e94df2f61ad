"""AWS End User Messaging SMS: SendTextMessage, as botocore 1.44.8 describes it.

AWS's own signer (awscrt) signs the request as it arrived: the signatures must be the same.
"""

import re
from datetime import UTC, datetime
from io import BytesIO

from awscrt.auth import (
    AwsCredentialsProvider,
    AwsSigningAlgorithm,
    AwsSigningConfig,
    aws_sign_request,
)
from awscrt.http import HttpHeaders, HttpRequest

from tests.support.providers.vendors.vendor import (
    PAGE,
    SECRETS,
    Answer,
    Reported,
    Request,
    Scripted,
    Sent,
    Vendor,
    first_wrong,
)

REGION = "eu-central-1"
TARGET = "PinpointSMSVoiceV2.SendTextMessage"
SIGNED_HEADERS = re.compile(r"SignedHeaders=([a-z0-9;-]+),")
ORIGINATION = re.compile(r"[A-Za-z0-9_:/+-]{1,256}")
NAMESPACE = "com.amazonaws.pinpointsmsvoicev2#"


class AwsSms(Vendor):
    path = "/"

    def wrong(self, request: Request) -> Answer | None:
        if not _is_signed(request):
            return Answer(403, {"__type": "InvalidSignatureException", "message": "…"})
        if request.headers.get("x-amz-target") != TARGET:
            return Answer(400, {"__type": "UnknownOperationException"})
        if request.headers.get("content-type") != "application/x-amz-json-1.0":
            return Answer(415)
        body = request.json()
        context = body.get("Context", {})
        invalid = _error(400, "ValidationException", {"Reason": "FIELD_VALIDATION_FAILED"})
        return first_wrong(
            (
                set(body)
                == {"DestinationPhoneNumber", "OriginationIdentity", "MessageBody", "Context"},
                invalid,
            ),
            (bool(re.fullmatch(r"\+?[1-9][0-9]{1,18}", body["DestinationPhoneNumber"])), invalid),
            (bool(ORIGINATION.fullmatch(body["OriginationIdentity"])), invalid),
            (0 < len(body["MessageBody"]) <= 1600 and body["MessageBody"].strip() != "", invalid),
            (len(context) <= 5 and all(len(value) <= 800 for value in context.values()), invalid),
        )

    def reported(self, request: Request) -> Reported:
        return Reported(reference=request.json()["Context"]["reference"])

    def read(self, request: Request) -> Sent:
        body = request.json()
        phone = body["DestinationPhoneNumber"].removeprefix("+")
        return Sent(phone, body["MessageBody"], body["OriginationIdentity"])

    def accept(self, _: Request, number: int) -> Answer:
        return Answer(200, {"MessageId": f"da60e31e-0000-4000-8000-{number:012x}"})

    def refuse(self, scripted: Scripted) -> Answer:
        kind, _, detail = scripted.code.partition(" ")
        if not kind:
            return Answer(scripted.status, PAGE)
        name = "ResourceType" if kind == "ResourceNotFoundException" else "Reason"
        return _error(scripted.status, kind, {name: detail} if detail else {})


def _error(status: int, kind: str, more: dict[str, str]) -> Answer:
    return Answer(status, {"__type": f"{NAMESPACE}{kind}", "Message": "…", **more})


def _is_signed(request: Request) -> bool:
    """Return whether AWS's signer gives the same request the same signature."""
    given = request.headers.get("authorization", "")
    signed = SIGNED_HEADERS.search(given)
    if signed is None or "x-amz-date" not in request.headers:
        return False
    names = [name for name in signed[1].split(";") if name != "x-amz-date"]
    headers = HttpHeaders([(name, request.headers[name]) for name in names])
    copy = HttpRequest(request.method, request.target, headers, BytesIO(request.body))
    at = datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    credentials = (SECRETS["access_key"], SECRETS["secret_key"])
    how = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4,
        credentials_provider=AwsCredentialsProvider.new_static(*credentials),
        region=REGION,
        service="sms-voice",
        date=at,
    )
    aws_sign_request(copy, how).result(10)
    return "host" in names and copy.headers.get("authorization") == given
