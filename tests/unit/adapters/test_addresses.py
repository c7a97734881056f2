"""Which addresses may be called."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.addresses import NEVER, carried, may_connect

CLOSED = """
    0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16 169.254.0.1
    169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1
    198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::2 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 64:ff9b::7f00:1 64:ff9b:1::1
    64:ff9b:1:7f00:0:100:808:808 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::
    2002:a9fe:a9fe::1 2002:a00:1:: 2001:0:808:808::f5ff:fffe 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1
    fe80::1%eth0 fec0::1 ff02::1 ff0e::1
""".split()  # noqa: SIM905 - a table reads better without quotes

OPEN = """
    1.1.1.1 8.8.8.8 103.1.208.1 172.15.255.255 172.32.0.1 192.0.1.1 223.255.255.255
    2001:4860:4860::8888 2400:cb00::1 2606:4700::1111 64:ff9b::808:808 ::ffff:8.8.8.8 2002:808:808::1
""".split()  # noqa: SIM905 - a table reads better without quotes

ipv4 = st.integers(0, 2**32 - 1).map(IPv4Address)
Dress = Callable[[IPv4Address], str]
WORN: list[Dress] = [
    lambda four: f"::ffff:{four}",
    lambda four: str(IPv6Address((0x64_FF9B << 96) | int(four))),
    lambda four: str(IPv6Address((0x2002 << 112) | (int(four) << 80))),
    lambda four: f"::{four}",
    lambda four: str(IPv6Address((0x2001_0000_0808_0808 << 64) | (int(four) ^ 0xFFFFFFFF))),
]


@pytest.mark.parametrize("address", CLOSED)
def test_special_addresses_are_closed(address: str) -> None:
    """What the registries do not call global, and what carries such an address inside, is not called."""
    assert not may_connect(address, ())


@pytest.mark.parametrize("address", OPEN)
def test_global_addresses_are_open(address: str) -> None:
    """Global unicast addresses are called, translated ones too."""
    assert may_connect(address, ())


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3", "127.1", "0x7f000001", "1.2.3.4/32", "[::1]"])
def test_what_is_no_address_is_closed(text: str) -> None:
    """Empty, short and foreign notations are no addresses."""
    assert not may_connect(text, ())


@given(four=ipv4, worn=st.sampled_from(WORN))
def test_no_dress_opens_an_address(four: IPv4Address, worn: Dress) -> None:
    """An IPv4 address inside an IPv6 one is never called where it would not be called by itself."""
    dressed = worn(four)
    if may_connect(dressed, ()):
        assert may_connect(str(four), ())


@given(four=ipv4, worn=st.sampled_from(WORN[:3]))
def test_a_dress_can_be_taken_off(four: IPv4Address, worn: Dress) -> None:
    """Mapped, NAT64 and 6to4 addresses lead to the IPv4 address that they carry."""
    assert carried(IPv6Address(worn(four))) == four


@given(address=st.one_of(ipv4, st.integers(0, 2**128 - 1).map(IPv6Address)))
def test_opening_only_adds(address: IPv4Address | IPv6Address) -> None:
    """What may be called without an allowance may be called with any."""
    if may_connect(str(address), ()):
        assert may_connect(str(address), [ip_network("10.0.0.0/8")])


@pytest.mark.parametrize(
    ("address", "network"),
    [("10.1.2.3", "10.0.0.0/8"), ("fd12::1", "fd12::/16"), ("::1", "::1/128"), ("::ffff:10.1.2.3", "10.0.0.0/8")],
)
def test_an_opened_network_is_open(address: str, network: str) -> None:
    """The directory can open a private network, and opens no other with it."""
    assert may_connect(address, [ip_network(network)])
    assert not may_connect("192.168.0.1", [ip_network(network)])


@given(st.data())
def test_some_are_never_opened(data: st.DataObject) -> None:
    """Link-local, multicast, unspecified and metadata addresses stay closed even where everything is opened."""
    network = data.draw(st.sampled_from(NEVER))
    address = network[data.draw(st.integers(0, network.num_addresses - 1))]
    everything = [ip_network("0.0.0.0/0"), ip_network("::/0")]
    assert not may_connect(str(address), everything)
    if isinstance(address, IPv4Address) and int(address) > 1:  # ::1 is loopback, which can be opened
        assert not may_connect(data.draw(st.sampled_from(WORN))(address), everything)
