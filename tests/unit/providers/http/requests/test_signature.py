"""Signature Version 4: vectors of AWS and of botocore 1.44, whose signer is not ours."""

from datetime import UTC, datetime

import pytest

from campaign_providers.http.requests.signature import AwsSigner, SignedRequest, amz_date

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
AT = datetime(2026, 11, 29, 12, 34, 56, tzinfo=UTC)
HOST = {"host": "sms-voice.eu-central-1.amazonaws.com", "x-amz-date": amz_date(AT)}
TARGET = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "PinpointSMSVoiceV2.SendTextMessage",
}


@pytest.mark.parametrize(
    ("request_to_sign", "signature"),
    [
        (
            SignedRequest(
                "POST", "/", "", {**HOST, **TARGET}, '{"MessageBody":"Grüße \U0001f600"}'.encode()
            ),
            "f529e35ccbdd584633afc58b9cea7bab9d211cb70924670495216228cb95b215",
        ),
        (
            SignedRequest(
                "GET",
                "/a%20b/c",
                "z=1&a=%2Fx&a=%20&b",
                {**HOST, "accept": "  two   blanks "},
                b"",
            ),
            "4f9908d43f9fb133936f94605a20d75de4b470616c5727e188172cb358c8f4bf",
        ),
        (
            SignedRequest("PUT", "/v1/%C3%BC", "", HOST, b"x=1"),
            "34eae511c353b259dac152c2c248ef9f7dc57071dabfa553cde299a9686f9b15",
        ),
    ],
)
def test_a_signature_is_that_of_botocore(request_to_sign: SignedRequest, signature: str) -> None:
    signer = AwsSigner(ACCESS_KEY, SECRET_KEY, "eu-central-1", "sms-voice")
    assert signer.authorization(request_to_sign, AT) == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261129/eu-central-1/sms-voice/aws4_request, "
        f"SignedHeaders={';'.join(sorted(request_to_sign.headers))}, Signature={signature}"
    )


def test_the_vanilla_vector_of_aws_is_met() -> None:
    at = datetime(2015, 8, 30, 12, 36, 0, tzinfo=UTC)
    headers = {"host": "example.amazonaws.com", "x-amz-date": amz_date(at)}
    signer = AwsSigner(ACCESS_KEY, SECRET_KEY, "us-east-1", "service")
    assert signer.authorization(SignedRequest("GET", "/", "", headers, b""), at).endswith(
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


def test_the_key_follows_the_day() -> None:
    signer = AwsSigner(ACCESS_KEY, SECRET_KEY, "eu-central-1", "sms-voice")
    request = SignedRequest("PUT", "/v1/%C3%BC", "", HOST, b"x=1")
    of_the_day = signer.authorization(request, AT)
    assert signer.authorization(request, AT.replace(day=30)) != of_the_day
    assert signer.authorization(request, AT) == of_the_day
