"""Subscriptions, their patches, and the bodies of the calls on them (protocol §6)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.faults import faults
from schemas.requests import Poll, Replay, Revive
from schemas.subscription import Filter, NewSubscription, Subscription, SubscriptionPatch, merged
from schemas.terms import Kind, Product, Severity, Status, Urgency

WEBHOOK = {"adapter": "webhook", "purpose": ["prevention"], "settings": {"url": "https://partner.example/in"}}


def refusal(model: Any, value: Any) -> list[str]:
    """Where `value` is refused; nowhere when it is accepted."""
    try:
        TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        return [path for path, _ in faults(error)]
    return []


def test_defaults():
    """Left out: actual alone, no restriction, any order, not one's own, active, and the webhook's defaults."""
    made = NewSubscription.model_validate(WEBHOOK)
    assert made.filter == Filter()
    assert made.filter.status == (Status.ACTUAL,)
    assert [value for name, value in made.filter if name != "status"] == [None] * 8
    assert (made.order, made.own, made.state) == ("none", False, "active")
    assert made.settings == {
        "url": "https://partner.example/in",
        "signing": "v1a",
        "timeout_s": 15,
        "max_in_flight": 8,
    }


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"adapter": ...}, "/adapter"),
        ({"purpose": ...}, "/purpose"),
        ({"purpose": []}, "/purpose"),
        ({"id": "sub_1"}, "/id"),
        ({"health": {}}, "/health"),
        ({"order": "domain"}, "/order"),
        ({"own": 1}, "/own"),
        ({"state": "stopped"}, "/state"),
        ({"name": "x" * 129}, "/name"),
        ({"settings": ...}, "/settings/url"),
        ({"settings": {"url": "ftp://partner.example"}}, "/settings/url"),
        ({"settings": {"url": "https://user:pass@partner.example"}}, "/settings/url"),
        ({"settings": {"url": "https://partner.example/#x"}}, "/settings/url"),
        ({"settings": {"url": "https://partner.example/", "signing": "v2"}}, "/settings/signing"),
        ({"settings": {"url": "https://partner.example/", "timeout_s": 0}}, "/settings/timeout_s"),
        ({"settings": {"url": "https://partner.example/", "max_in_flight": 1000}}, "/settings/max_in_flight"),
        ({"settings": {"url": "https://partner.example/", "retries": 3}}, "/settings/retries"),
        ({"adapter": "stream"}, "/settings/url"),
        ({"filter": {"domain": "disaster"}}, "/filter/domain"),
        ({"filter": {"domains": []}}, "/filter/domains"),
        ({"filter": {"domains": ["astrology"]}}, "/filter/domains/0"),
        ({"filter": {"severity": "bad"}}, "/filter/severity"),
        ({"filter": {"areas": [{"iso": "VNM"}]}}, "/filter/areas/0/iso"),
        ({"filter": {"issuers": ["*"]}}, "/filter/issuers/0"),
        ({"filter": {"kinds": ["notice"]}}, "/filter/kinds/0"),
        ({"filter": {"status": []}}, "/filter/status"),
        ({"filter": {"products": ["rumour"]}}, "/filter/products/0"),
        ({"filter": {"languages": ["tiếng"]}}, "/filter/languages/0"),
    ],
)
def test_refused(change, path):
    """What the protocol does not allow in a subscription is refused, with its path."""
    stated = {name: value for name, value in {**WEBHOOK, **change}.items() if value is not ...}
    assert refusal(NewSubscription, stated) == [path]


filters = st.fixed_dictionaries(
    {},
    optional={
        "domains": st.lists(st.sampled_from(["disaster", "crime.fraud", "cyber.phishing.sms"]), min_size=1, max_size=3),
        "severity": st.sampled_from([each.value for each in Severity]),
        "urgency": st.sampled_from([each.value for each in Urgency]),
        "areas": st.just([{"iso": "VN"}, {"circle": [20.9, 106.9, 25.0]}]),
        "issuers": st.lists(st.sampled_from(["vn.moh", "vn.*", "@asean.disaster"]), min_size=1),
        "kinds": st.lists(st.sampled_from([each.value for each in Kind]), min_size=1, max_size=4),
        "status": st.lists(st.sampled_from(["actual", "exercise", "test"]), min_size=1, max_size=3),
        "products": st.lists(st.sampled_from([each.value for each in Product]), min_size=1, max_size=3),
        "languages": st.just(["vi", "en-GB"]),
    },
)


@given(filters)
def test_round_trip(stated):
    """A subscription comes back from its JSON as it was, whatever its filter."""
    made = Subscription.model_validate(WEBHOOK | {"id": "sub_1", "filter": stated})
    assert Subscription.model_validate_json(made.model_dump_json()) == made
    assert Filter.model_validate(made.filter.model_dump(mode="json")) == made.filter


def patched(**patch: Any) -> Subscription:
    """A subscription after a patch."""
    before = Subscription.model_validate(WEBHOOK | {"id": "sub_1", "name": "A", "filter": {"severity": "severe"}})
    return before.patched(SubscriptionPatch.model_validate(patch))


def test_patch():
    """A merge patch merges objects, and null puts a member back to its default (RFC 7396)."""
    made = patched(name=None, filter={"severity": None, "domains": ["cyber"]}, settings={"signing": "v1"}, own=True)
    assert made.name == ""
    assert made.filter == Filter(domains=("cyber",))
    assert made.settings["signing"] == "v1"
    assert made.settings["url"] == "https://partner.example/in"
    assert made.own
    assert patched() == patched(filter={})


@pytest.mark.parametrize(
    ("patch", "path"),
    [
        ({"adapter": "poll"}, "/adapter"),
        ({"id": "sub_2"}, "/id"),
        ({"purpose": None}, "/purpose"),
        ({"settings": {"url": None}}, "/settings/url"),
        ({"filter": {"colour": "red"}}, "/filter/colour"),
        ({"filter": []}, "/filter"),
        ({"state": "gone"}, "/state"),
    ],
)
def test_patch_refused(patch, path):
    """A patch of what cannot be changed, or to what cannot be, is refused with its path."""
    with pytest.raises(ValidationError) as caught:
        patched(**patch)
    assert [where for where, _ in faults(caught.value)] == [path]


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target, patch, result):
    """The test cases of RFC 7396, Appendix A."""
    assert merged(target, patch) == result


@pytest.mark.parametrize("host", ["[1.2.3.4]", "[:::]", "[12]", "desk.example:65536", "desk.example:99999"])
def test_urls_that_are_none(host):
    """Brackets are for IPv6 addresses, and ports end at 65535."""
    stated = {"adapter": "webhook", "purpose": ["prevention"], "settings": {"url": f"https://{host}/in"}}
    assert refusal(NewSubscription, stated) == ["/settings/url"]


@pytest.mark.parametrize("host", ["[2001:db8::1]", "[::ffff:192.0.2.1]:8443", "desk.example:65535", "desk.example."])
def test_urls_that_are_some(host):
    """Whether a call may go there is asked when it is made."""
    stated = {"adapter": "webhook", "purpose": ["prevention"], "settings": {"url": f"https://{host}/in"}}
    assert refusal(NewSubscription, stated) == []


def test_bodies():
    """Replay, dead letters and poll take exactly what the protocol lists."""
    assert refusal(Replay, {"positions": "3-5,9"}) == []
    assert refusal(Replay, {"since": "2026-11-22T08:00:00Z"}) == []
    assert refusal(Replay, {"positions": "3-"}) == ["/positions"]
    assert refusal(Replay, {}) == [""]
    assert refusal(Replay, {"positions": "3", "since": "2026-11-22T08:00:00Z"}) == [""]
    assert refusal(Revive, {"all": True}) == []
    assert refusal(Revive, {"all": False}) == ["/all"]
    assert refusal(Revive, {"deliveries": []}) == ["/deliveries"]
    assert refusal(Poll, {}) == []
    stated = {
        "maxEvents": 5,
        "returnImmediately": True,
        "ack": ["a"],
        "setErrs": {"b": {"err": "x"}},
        "envelopes": True,
    }
    assert refusal(Poll, stated) == []
    assert refusal(Poll, {"maxEvents": -1}) == ["/maxEvents"]
    assert refusal(Poll, {"max": 1}) == ["/max"]
