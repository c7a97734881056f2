"""Which addresses a call may go to: global unicast ones, and what the directory opened; whatever notation leads there.

The IANA special-purpose address registries (RFC 6890 and its successors) say what is global.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


NEVER = _networks(
    "0.0.0.0/8",
    "::/128",
    "224.0.0.0/4",
    "ff00::/8",
    "255.255.255.255/32",
    "169.254.0.0/16",
    "fe80::/10",
    "192.0.0.192/32",
    "168.63.129.16/32",
    "100.100.100.200/32",
    "fd00:ec2::254/128",
)
"""Nobody's endpoint, and not to be opened by a wide network: unspecified, multicast, broadcast, link-local, and where
clouds keep a machine's credentials (the last four; others are link-local)."""

_NOT_GLOBAL = _networks("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")
"""Special-purpose, though Python 3.11 calls them global."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


def carried(address: Address) -> Address:
    """Where packets really go: the IPv4 address inside a mapped, compatible, 6to4, Teredo or NAT64 one, else itself.

    Networks that translate by a prefix of their own (64:ff9b:1::/48, RFC 8215) stay what they are: not global.
    """
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def may_connect(text: str, opened: Iterable[Network]) -> bool:
    """Whether a call may go to this address: it is global, or within a network that was opened for it."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    target = carried(address)
    if _within(address, NEVER) or _within(target, NEVER):
        return False
    return _within(target, opened) or _is_global(target)


def _is_global(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not _within(address, _NOT_GLOBAL)


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)  # one of the other version is in none
