"""The ways by which something can reach a reader, and up to which TLP each keeps it (protocol §9, rule 12)."""

from enum import StrEnum

from schemas.terms import Tlp

ROWS = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED)
"""From the weakest row of the table to the strongest."""


class Way(StrEnum):
    """A row of rule 12's table, or a part of one."""

    READ_BOUND = "read-bound"
    """Stream, poll or read with a DPoP-bound token."""
    WEBHOOK_HTTPS = "webhook-https"
    HUB = "hub"
    BROKERED = "brokered"
    """MQTT or AMQP with TLS and sign-in."""
    MAIL_ENCRYPTED = "mail-encrypted"
    READ_UNBOUND = "read-unbound"
    """Any read with an unbound or API token."""
    WEBHOOK_HTTP = "webhook-http"
    MAIL_PLAIN = "mail-plain"
    FEED = "feed"
    """Without sign-in: the public."""

    @property
    def up_to(self) -> Tlp:
        """The highest level that it carries."""
        return _UP_TO[self]

    @property
    def is_read(self) -> bool:
        """Whether the reader comes, and may come again by a better way."""
        return self in (Way.READ_BOUND, Way.READ_UNBOUND)

    def carries(self, tlp: Tlp, *, sealed: bool = False) -> bool:
        """Whether it keeps this level. What is sealed may go one row higher, since the way cannot read it."""
        return ROWS.index(tlp) - sealed <= ROWS.index(self.up_to)


_UP_TO = {
    Way.READ_BOUND: Tlp.RED,
    Way.WEBHOOK_HTTPS: Tlp.AMBER_STRICT,
    Way.HUB: Tlp.AMBER_STRICT,
    Way.BROKERED: Tlp.AMBER,
    Way.MAIL_ENCRYPTED: Tlp.AMBER,
    Way.READ_UNBOUND: Tlp.GREEN,
    Way.WEBHOOK_HTTP: Tlp.GREEN,
    Way.MAIL_PLAIN: Tlp.GREEN,
    Way.FEED: Tlp.CLEAR,
}
