"""Who wants what, through which adapter (protocol §6)."""

from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from annotated_types import MaxLen, MinLen
from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator

from schemas import limits
from schemas.areas import Area
from schemas.base import Form, LanguageTag, Many, Selector, Strict, Text, Timestamp, expected
from schemas.faults import first
from schemas.handling import Purposes
from schemas.terms import Kind, Product, Severity, Status, Term, Urgency
from schemas.vocabulary import Domain


class SubscriptionState(Term):
    """Paused, things stay owed and are not attempted."""

    ACTIVE = "active"
    PAUSED = "paused"


Wanted = TypeVar("Wanted")
Some = Annotated[Many[Wanted], MinLen(1), MaxLen(limits.SELECTORS)]
"""At least one: a list that names nothing would silently get nothing, so it is refused."""


class Filter(Strict):
    """What is left out (None) does not restrict, but `status` is `actual` alone unless named."""

    domains: Some[Domain] | None = None
    """Each with all below it."""
    severity: Severity | None = None
    """At least this; `unknown` meets every threshold."""
    urgency: Urgency | None = None
    """At least this; `unknown` meets every threshold."""
    areas: Some[Area] | None = None
    """Touching any of these; an alert without areas touches all."""
    issuers: Some[Selector] | None = None
    kinds: Some[Kind] | None = None
    status: Some[Status] = (Status.ACTUAL,)
    products: Some[Product] | None = None
    languages: Some[LanguageTag] | None = None
    """Of headlines and parts, by prefix."""


_A_URL = "an http or https URL without user name and fragment"


def _is_url(text: str) -> str:
    try:
        _ = urlsplit(text).port
    except ValueError:  # brackets around what is no IPv6 address, a port beyond 65535
        raise expected(_A_URL) from None
    return text


Url = Annotated[
    str,
    Form(
        r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?][!-\"$-~]*)?",
        _A_URL,
        limits.URL,
    ),
    AfterValidator(_is_url),
]


class WebhookSettings(Strict):
    """Where to push, and how. `v1a` is Ed25519 by a key of discovery, `v1` an HMAC with a secret told once."""

    url: Url
    signing: Literal["v1a", "v1"] = "v1a"
    timeout_s: Annotated[int, Field(ge=1, le=60)] = 15
    max_in_flight: Annotated[int, Field(ge=1, le=64)] = 8


class NoSettings(Strict):
    """Ways that the reader comes for have none."""


_SETTINGS: dict[str, type[Strict]] = {"webhook": WebhookSettings, "stream": NoSettings, "poll": NoSettings}
"""Adapters beyond these check their own settings."""

AdapterName = Annotated[str, Form("[a-z][a-z0-9-]{0,31}", "the name of an adapter", 32)]
SubscriptionId = Annotated[str, Form("sub_[A-Za-z0-9_-]{1,64}", "a subscription's id", 68)]
Name = Annotated[str, MaxLen(limits.NAME)]


class NewSubscription(Strict):
    """What an agency asks for; `id` and `health` are the hub's to give."""

    name: Name = ""
    filter: Filter = Filter()
    adapter: AdapterName
    settings: dict[str, Any] = Field(default_factory=dict, validate_default=True)
    """With the adapter's defaults filled in."""
    purpose: Purposes
    order: Literal["none", "issuer"] = "none"
    own: bool = False
    """Whether the agency's own alerts are delivered too."""
    state: SubscriptionState = SubscriptionState.ACTIVE

    @field_validator("settings")
    @classmethod
    def _settings_fit(cls, settings: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        model = _SETTINGS.get(info.data.get("adapter", ""))
        if model is None:
            return settings
        try:
            return model.model_validate(settings).model_dump(mode="json")
        except ValidationError as error:
            steps, phrase = first(error)
            raise expected(phrase, *steps) from None


class Health(Strict):
    """How a subscription is doing."""

    waiting: int | None = 0
    """Deliveries still owed. None, left out, for who comes by a way that could not carry all of them."""
    failing_since: Timestamp | None = None
    last_delivered_at: Timestamp | None = None
    last_error: Text | None = None


class Subscription(NewSubscription):
    """A subscription as the hub keeps and shows it."""

    id: SubscriptionId
    health: Health = Health()

    def patched(self, patch: "SubscriptionPatch") -> Self:
        """The subscription after a merge patch (RFC 7396). ValidationError where the result would be none."""
        changed = merged(self.model_dump(mode="json"), patch.model_dump(mode="json", exclude_unset=True))
        return type(self).model_validate(changed)


class SubscriptionPatch(Strict):
    """A merge patch: members that are null go back to their default, objects are merged, all else is replaced.

    Only whether a member may be changed is checked here; the result is checked by `Subscription.patched`.
    """

    name: Any = None
    filter: Any = None
    settings: Any = None
    purpose: Any = None
    order: Any = None
    own: Any = None
    state: Any = None


def merged(target: Any, patch: Any) -> Any:
    """MergePatch of RFC 7396 §2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
