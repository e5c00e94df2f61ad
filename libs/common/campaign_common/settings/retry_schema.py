"""The keys of the Retry section; deploy/campmgr.yaml explains each."""

from types import MappingProxyType

from marshmallow import Schema, ValidationError, post_load, validates_schema

from campaign_common.settings import model
from campaign_common.settings.fields import DAY, Duration, integer
from campaign_common.settings.sections import SECTION, UNKNOWN, Loaded, SectionSchema, section

BACKOFF_ORDER = "expected BackoffBase at most as long as BackoffMax"


class RetryFreeClassSchema(SectionSchema):
    """Retry.Classes.throttled: an error class whose calls cost no attempt."""

    makes = model.RetryClassSettings
    backoff_base = Duration("BackoffBase", low=0.01, high=DAY, optional=True)
    backoff_max = Duration("BackoffMax", low=0.01, high=DAY, optional=True)
    max_age = Duration("MaxAge", low=1.0, optional=True)


class RetryClassSchema(RetryFreeClassSchema):
    """Retry.Classes.…: an error class whose calls cost attempts."""

    max_attempts = integer("MaxAttempts", 1, 1_000, optional=True)


class RetryClassesSchema(Schema):
    """Retry.Classes: what is different for single error classes."""

    error_messages = {"unknown": UNKNOWN, "type": SECTION}  # noqa: RUF012 - marshmallow's type
    retryable = section("retryable", RetryClassSchema)
    throttled = section("throttled", RetryFreeClassSchema)
    ambiguous = section("ambiguous", RetryClassSchema)

    @post_load
    def _freeze(
        self, loaded: Loaded, **_: object
    ) -> MappingProxyType[str, model.RetryClassSettings]:
        as_the_others = model.RetryClassSettings()
        return MappingProxyType({k: given for k, given in loaded.items() if given != as_the_others})


class RetrySchema(SectionSchema):
    """Retry: when a passing failure is tried again."""

    makes = model.RetrySettings
    max_attempts = integer("MaxAttempts", 1, 1_000)
    backoff_base = Duration("BackoffBase", low=0.01, high=DAY)
    backoff_max = Duration("BackoffMax", low=0.01, high=DAY)
    max_age = Duration("MaxAge", low=1.0)
    classes = section("Classes", RetryClassesSchema)

    @validates_schema(skip_on_field_errors=True)
    def _backoff_order(self, loaded: Loaded, **_: object) -> None:
        retry = model.RetrySettings(**loaded)
        if retry.backoff_base > retry.backoff_max:
            raise ValidationError({"BackoffBase": [BACKOFF_ORDER]})
        for name, given in retry.classes.items():
            policy = retry.of(name)
            if policy.backoff_base > policy.backoff_max:
                key = "BackoffMax" if given.backoff_base is None else "BackoffBase"
                raise ValidationError({"Classes": {name: {key: [BACKOFF_ORDER]}}})
