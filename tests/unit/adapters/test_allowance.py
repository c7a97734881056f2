"""What the directory opens for an endpoint."""

import pytest
from yarl import URL

from adapters.addresses import may_connect
from adapters.allowance import Allowance


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("http://siem.example/in?x=1", True),
        ("http://SIEM.example:80/", True),
        ("https://siem.example/in", False),
        ("http://siem.example:8080/in", False),
        ("http://siem.example.evil.example/", False),
        ("http://evil.example/http://siem.example", False),
    ],
)
def test_an_origin_is_listed_whole(url: str, *, listed: bool) -> None:
    """Scheme, host and port must all be the listed ones; the path does not matter."""
    assert Allowance.of(["http://siem.example"], []).lists(URL(url)) is listed


@pytest.mark.parametrize(
    ("origin", "address"),
    [("http://10.1.2.3:8080", "10.1.2.3"), ("http://[fd12::1]", "fd12::1"), ("http://localhost:9", "127.0.0.1")],
)
def test_an_origin_by_its_address_means_it(origin: str, address: str) -> None:
    """Listing an origin by its address, or as localhost, opens that address for that origin alone."""
    allowance = Allowance.of([origin], [])
    assert may_connect(address, allowance.opened(URL(origin) / "in"))
    assert not allowance.opened(URL(f"https://{URL(origin).host_subcomponent}/in"))


def test_a_name_opens_nothing() -> None:
    """A listed name may be reached over http; where it resolves to must still be open."""
    assert not Allowance.of(["http://siem.example"], []).opened(URL("http://siem.example/in"))


def test_nothing_by_default() -> None:
    """Empty means no."""
    assert not Allowance().lists(URL("http://siem.example"))
    assert not Allowance().opened(URL("https://siem.example"))
