"""The directory: agencies, keys, mandates, communities and agreements, as people write and review them.

The folder's files together make one `DirectoryDocument`. What is left out never widens anything: an empty list of
domains, statuses or selectors covers nothing.
"""

from datetime import datetime
from ipaddress import ip_network
from typing import Annotated, Self

from annotated_types import MaxLen, MinLen
from pydantic import AfterValidator, Field, model_validator

from schemas import limits
from schemas.base import (
    AgencyId,
    B64Url,
    CommunityName,
    Count,
    Country,
    Form,
    Many,
    OfficerCode,
    Selector,
    Strict,
    Text,
    Timestamp,
    Uri,
    Words,
    expected,
    instant,
    unique,
)
from schemas.handling import Caveat, PartHandling
from schemas.terms import (
    Alg,
    KeyUse,
    Onward,
    PersonalData,
    PersonRole,
    Purpose,
    Role,
    Severity,
    Status,
    Tier,
    Tlp,
)
from schemas.vocabulary import Domain

PUBLIC = "@public"
"""Everyone; no directory can define it."""

_P256 = {"kty": "EC", "crv": "P-256", "x": None, "y": None}
_X25519 = {"kty": "OKP", "crv": "X25519", "x": None}
_JWK_MEMBERS = {
    Alg.ED25519: {"kty": "OKP", "crv": "Ed25519", "x": None},
    Alg.EDDSA: {"kty": "OKP", "crv": "Ed25519", "x": None},
    Alg.ES256: _P256,
    Alg.ML_DSA_65: {"kty": "AKP", "alg": "ML-DSA-65", "pub": None},
    Alg.ECDH_ES_A256KW: _X25519,
}


def _cidr(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        raise expected("a network in CIDR notation, such as 10.20.0.0/16") from None
    return text


Cidr = Annotated[str, MaxLen(64), AfterValidator(_cidr)]
Origin = Annotated[
    str, Form(r"https?://[A-Za-z0-9.\[\]:-]+", "an origin: scheme, host and port without a path", limits.URI)
]
MandateArea = Annotated[
    str, Form(r"\*|[A-Z]{2}(?:-[A-Z0-9]{1,3})?", "*, an ISO 3166-1 alpha-2 or an ISO 3166-2 code", 6)
]
Selectors = Annotated[Many[Selector], MaxLen(limits.SELECTORS)]


class _Dated(Strict):
    """What holds for a time; without dates, as long as it stands in the directory."""

    valid_from: Timestamp | None = None
    valid_until: Timestamp | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_from and self.valid_until and instant(self.valid_from) >= instant(self.valid_until):
            raise expected("a time after valid_from", "valid_until")
        return self

    def in_force(self, at: datetime) -> bool:
        """Whether its time has come and is not over."""
        begun = self.valid_from is None or instant(self.valid_from) <= at
        return begun and (self.valid_until is None or at < instant(self.valid_until))


class Revoked(Strict):
    """When a key was revoked, and since when others may have had it."""

    at: Timestamp
    compromised_since: Timestamp | None = None


class AgencyKey(Strict):
    """A public key with its one use and its one algorithm, as it stands under its agency."""

    kid: B64Url
    jwk: dict[str, str]
    alg: Alg
    use: KeyUse
    valid_from: Timestamp
    valid_until: Timestamp
    revoked: Revoked | None = None
    officer: OfficerCode | None = None
    """Whose key it is, where two officers must release."""

    @model_validator(mode="after")
    def _jwk_fits(self) -> Self:
        """The public members of RFC 7517, 8037 and 9964 for the algorithm, and no others: no private ones above all.

        A key to seal with lies on X25519 or P-256.
        """
        if (self.use is KeyUse.SEAL) != (self.alg is Alg.ECDH_ES_A256KW):
            raise expected(f"{Alg.ECDH_ES_A256KW} for keys of use seal, and for no others", "alg")
        of_p256 = self.alg is Alg.ECDH_ES_A256KW and self.jwk.get("kty") == "EC"
        members = _P256 if of_p256 else _JWK_MEMBERS[self.alg]
        if self.jwk.keys() != members.keys():
            raise expected(f"a public JWK with exactly {', '.join(members)}", "jwk")
        for name, value in members.items():
            if value is not None and self.jwk[name] != value:
                raise expected(f"{value}, as alg is {self.alg}", "jwk", name)
        if instant(self.valid_from) >= instant(self.valid_until):
            raise expected("a time after valid_from", "valid_until")
        return self


class KeyRecord(Strict):
    """A key as the hub tells it (protocol §6)."""

    kid: B64Url
    jwk: dict[str, str]
    alg: Alg
    use: KeyUse
    agency: AgencyId
    valid_from: Timestamp
    valid_until: Timestamp
    revoked: Revoked | None = None

    @classmethod
    def of(cls, agency: str, key: AgencyKey) -> Self:
        """The record of an agency's key."""
        return cls(agency=agency, **{name: getattr(key, name) for name in cls.model_fields if name != "agency"})


class Relay(Strict):
    """What a hub's operator may pass on between hubs: alerts of these issuers, at these levels."""

    issuers: Selectors
    tlps: Many[Tlp]


class Mandate(_Dated):
    """What an agency may speak about: domains × areas × statuses × the highest severity."""

    domains: Many[Domain]
    areas: Many[MandateArea]
    """`*`, or ISO codes; a country covers its subdivisions."""
    statuses: Many[Status]
    severity: Severity
    override: Selectors = ()
    """Issuers whose alerts, within this mandate, it may update and cancel."""
    review: Selectors = ()
    """Issuers whose alerts, within this mandate, it may challenge."""
    relay: Relay | None = None


class Predecessor(Strict):
    """An agency that this one took over from."""

    id: AgencyId
    since: Timestamp


class Person(_Dated):
    """Somebody of the agency, by the code in its own register and never by name; what they are there for."""

    code: OfficerCode
    roles: Annotated[Many[PersonRole], MinLen(1)]


class Agency(_Dated):
    """An organisation with keys and mandates."""

    id: AgencyId
    tier: Tier
    active: bool
    keys: Many[AgencyKey] = ()
    mandates: Many[Mandate] = ()
    names: Words | None = None
    country: Country | None = None
    parent: AgencyId | None = None
    predecessors: Many[Predecessor] = ()
    roles: Many[Role] = ()
    people: Annotated[Many[Person], MaxLen(limits.DIRECTORY_ITEMS)] | None = None
    """Officers, approvers and others; who is not listed has no role."""
    senders: Many[Text] = ()
    """The `sender` values that its CAP alerts bear."""
    http_endpoints: Many[Origin] = ()
    """Origins to which webhooks may go over plain http."""
    private_networks: Many[Cidr] = ()
    """Private addresses in which its endpoints may lie."""
    served_by: AgencyId | None = None
    """The hub at which it reads, where that is not this one."""

    def acts(self, at: datetime) -> bool:
        """Whether it may speak and read: it is active, and its time is now."""
        return self.active and self.in_force(at)


class Reciprocity(Strict):
    """What the parties mean to reach; figures are told beside it, and nothing is withheld for it."""

    returns_percent: Count | None = None
    """Alerts that the reader gives, for each hundred that it is given."""
    acknowledged_within_minutes: Count | None = None
    """From when an alert was given to the reader's acknowledgement."""


class _Terms(Strict):
    """What may be given under a charter or an agreement: all of it must fit."""

    domains: Many[Domain]
    statuses: Many[Status]
    tlps: Many[Tlp]
    """Each level that is covered: the mildest is the floor, the strictest the ceiling."""
    severity: Severity
    personal: Many[PersonalData]
    purposes: Many[Purpose]
    conditions: Many[Annotated[str, MinLen(1), MaxLen(limits.CONDITION)]] = ()
    """What is asked of the reader, shown with every alert under these terms."""
    reciprocity: Reciprocity | None = None


class Charter(_Terms):
    """The terms between a community's members."""


class Moderation(Strict):
    """Members of a moderated community get what is addressed to it once a moderator has admitted them."""

    moderators: Many[AgencyId]
    admitted: Many[AgencyId]


class Community(_Dated):
    """A named group of agencies with a charter."""

    name: CommunityName
    members: Many[AgencyId]
    tiers: Many[Tier]
    charter: Charter
    names: Words | None = None
    nationality: Many[Country] | None = None
    """Only members of these countries; left out, of any."""
    moderation: Moderation | None = None
    """Left out, not moderated."""

    @model_validator(mode="after")
    def _public_is_everyone(self) -> Self:
        if self.name == PUBLIC:
            raise expected("another name: @public is everyone", "name")
        return self


class Agreement(_Terms, _Dated):
    """Terms from one agency to another."""

    from_: AgencyId = Field(alias="from")
    to: AgencyId
    onward: Onward | None = None
    """The laxest third-party rule that the sender may state under these terms; left out, any."""
    reference: Text | None = None
    """The legal reference: treaty, law or memorandum, and its article."""


class Delegation(_Dated):
    """`to` may speak on behalf of `from` on these domains; the mandates of both must hold."""

    from_: AgencyId = Field(alias="from")
    to: AgencyId
    domains: Many[Domain]
    reference: Text | None = None


class Deadlines(Strict):
    """How long people may take in a domain; what is left out has no deadline here."""

    approve_minutes: Count | None = None
    """For the second officer, where one must release."""
    acknowledge_minutes: Count | None = None
    """For a reader to acknowledge."""
    consent_minutes: Count | None = None
    """For an originator to answer whether something may go onward."""


class Profile(Strict):
    """What a domain asks for beyond the protocol."""

    required: Many[Text] = ()
    """Members of the event, such as `areas` or `handling.person.offence`, that must be there."""
    approval: bool = False
    """Whether a second officer must release what is actual."""
    break_glass: bool = False
    """Whether one officer may go ahead of the second where nobody can wait; every inspector is told (docs/adr/0008)."""
    erase_within_hours: Annotated[Count, Field(gt=0)] = 72
    """How long after a recall who was given the alert may take to say that it is erased."""
    longest_erasure_days: Count | None = None
    """How far ahead `erase_after` may lie."""
    default_expiry_hours: Count | None = None
    """For what arrives without a time of expiry."""
    person_declaration: bool = False
    """Whether the declaration of neutrality must stand even without personal data."""
    default_handling: PartHandling | None = None
    """What drafts begin with; it is the sender's to state, and the hub adds nothing."""
    deadlines: Deadlines | None = None


class Registrars(Strict):
    """Whose signatures make the next version: at least `threshold` of these keys, each of use `registrar`."""

    threshold: Annotated[int, Field(ge=1, le=limits.REGISTRARS)]
    keys: Annotated[Many[B64Url], MinLen(1), MaxLen(limits.REGISTRARS)]

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        unique(self.keys, lambda kid: kid, "each key once: two signatures by one key are one", "keys")
        if self.threshold > len(self.keys):
            raise expected(f"at most {len(self.keys)}, the number of keys", "threshold")
        return self


class DirectoryDocument(Strict):
    """One version of the whole directory."""

    network: Uri
    version: Count
    hub: AgencyId
    expires: Timestamp | None = None
    agencies: Annotated[Many[Agency], MaxLen(limits.DIRECTORY_ITEMS)]
    communities: Annotated[Many[Community], MaxLen(limits.DIRECTORY_ITEMS)] = ()
    agreements: Annotated[Many[Agreement], MaxLen(limits.DIRECTORY_ITEMS)] = ()
    delegations: Annotated[Many[Delegation], MaxLen(limits.DIRECTORY_ITEMS)] = ()
    caveats: dict[Caveat, Selectors] = Field(default_factory=dict)
    """For each code, who may have what bears it; a code that is not here withholds."""
    profiles: dict[Domain, Profile] = Field(default_factory=dict)
    registrars: Registrars | None = None
    """Without them this version cannot be signed, nor another after it."""

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        unique(self.agencies, lambda agency: agency.id, "another id for each agency", "agencies")
        unique(self.communities, lambda community: community.name, "another name for each community", "communities")
        for index, agency in enumerate(self.agencies):
            unique(agency.keys, lambda key: key.kid, "another kid for each key", "agencies", index, "keys")
        if self.hub not in {agency.id for agency in self.agencies}:
            raise expected("the id of one of the agencies", "hub")
        return self

    @model_validator(mode="after")
    def _registrars_are_listed(self) -> Self:
        held = {key.kid for agency in self.agencies for key in agency.keys if key.use is KeyUse.REGISTRAR}
        for index, kid in enumerate(self.registrars.keys if self.registrars else ()):
            if kid not in held:
                raise expected("the kid of an agency's key of use registrar", "registrars", "keys", index)
        return self
