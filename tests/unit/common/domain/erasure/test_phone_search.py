import pytest

from campaign_common.domain.erasure.phone_search import PhonePattern


@pytest.mark.parametrize(
    "text",
    [
        "4917612345678",
        "Ann,+49 176 12345678,Ulm",
        "0049-176/123-456-78",
        "+49 (176) 1234.5678",
        "017612345678",
        '{"phone": "4917612345678"}',
        "\u0661\u0667\u0666\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668",
    ],
)
def test_a_number_is_found_however_it_is_written(text: str) -> None:
    assert PhonePattern("4917612345678", "17612345678").is_in(text)


@pytest.mark.parametrize("text", ["", "Ann", "17612345679", "176 1234567", "176a12345678"])
def test_another_number_is_not_found(text: str) -> None:
    assert not PhonePattern("4917612345678", "17612345678").is_in(text)
