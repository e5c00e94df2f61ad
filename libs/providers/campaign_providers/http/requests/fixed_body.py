"""The request of the provider `http`, whose body is fixed, as templates."""

from dataclasses import replace
from types import MappingProxyType

from campaign_common.settings import (
    AnswerRules,
    AnswerWord,
    HttpConnectionSettings,
    HttpProviderSettings,
    HttpSettings,
    SecretSettings,
)
from campaign_common.settings.declaration import declared_keys
from campaign_common.settings.fields.templates import (
    Placeholder,
    TextTemplate,
    literal_url,
    split_text,
)
from campaign_common.settings.sections.providers.request import BodySettings

BODY = {
    "message_id": "{key}",
    "campaign_id": "{campaign_id}",
    "seq": "{seq}",
    "phone": "{phone}",
    "body": "{body}",
}

AUTHORIZATION = "authorization"


def as_templates(settings: HttpSettings) -> HttpProviderSettings:
    """Return the settings of a provider that makes the same requests.

    Raises:
        ValueError: there is no URL.
    """
    if settings.url is None:
        raise ValueError("Http.Url is missing")
    connection = {
        name: getattr(settings, name) for name, _ in declared_keys(HttpConnectionSettings)
    }
    headers: dict[str, TextTemplate] = {}
    secrets: dict[str, SecretSettings] = {}
    if settings.authorization is not None:
        secret = Placeholder(f"secret.{AUTHORIZATION}", secret=AUTHORIZATION)
        headers["Authorization"] = TextTemplate((secret,))
        file = settings.authorization_file
        secrets[AUTHORIZATION] = (
            SecretSettings(value=settings.authorization)
            if file is None
            else SecretSettings(file=file)
        )
    headers["Idempotency-Key"] = split_text("{key}")
    tree = {name: split_text(text) for name, text in BODY.items()}
    return HttpProviderSettings(
        kind="http",
        url=literal_url(settings.url),
        headers=MappingProxyType(headers),
        secrets=MappingProxyType(secrets),
        body=BodySettings(type="json", json=MappingProxyType(tree)),
        idempotent_for=float("inf") if settings.idempotent else 0.0,
        answers=_with_id(settings.answers, tuple(settings.message_id_field.split("."))),
        **connection,
    )


def _with_id(rules: AnswerRules, path: tuple[str, ...]) -> AnswerRules:
    """Return the rules with the path of the id in those that say success and name none."""
    return tuple(
        replace(rule, id=path) if rule.then is AnswerWord.SUCCESS and rule.id is None else rule
        for rule in rules
    )
