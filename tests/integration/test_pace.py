"""Floods: from an address that nobody vouches for, in an agency's name, and by an agency itself."""

import httpx2

from broker.pace import BURST_S
from broker.trust.keys import generate
from tests.integration.agencies import DYKE, HEALTH, POLICE, World, alert, claims
from tests.integration.asking import Ask, form_b, pushed, sign_in
from tests.integration.processes import Hub, serving

RATE = 2
AT_ONCE = RATE * BURST_S


def _from(hub: Hub, address: str, *asks: Ask) -> list[httpx2.Response]:
    """The answers to one who calls from that address."""
    come_from = httpx2.HTTPTransport(local_address=address)
    with httpx2.Client(base_url=hub.url, transport=come_from, timeout=40) as http:
        return [http.request(ask.method, ask.path, headers=ask.headers, content=ask.body) for ask in asks]


def _busy(answer: httpx2.Response) -> bool:
    if answer.status_code != 429:
        return False
    assert answer.json()["code"] == "busy"
    assert answer.json()["status"] == 429
    assert int(answer.headers["Retry-After"]) >= 1
    return True


def test_a_flood_in_an_agency_s_name_does_not_starve_it(own_world: World) -> None:
    """Forged and replayed statements are stopped by where they come from; the agency's own posts all get in."""
    with serving(own_world, "--refusals-per-s", str(RATE)) as hub:
        forged = [form_b(own_world.signed(claims(alert()), generate())) for _ in range(2 * AT_ONCE)]
        answers = _from(hub, "127.0.0.2", *forged)
        assert [each.status_code for each in answers[:AT_ONCE]] == [403] * AT_ONCE
        assert any(map(_busy, answers))
        captured = form_b(own_world.signed(claims(alert())))
        assert captured.send(hub).status_code == 202
        replayed = _from(hub, "127.0.0.3", *[captured] * (2 * AT_ONCE))
        assert replayed[0].status_code == 202
        assert any(map(_busy, replayed))
        own = _from(hub, "127.0.0.4", *[form_b(own_world.signed(claims(alert()))) for _ in range(2 * AT_ONCE)])
        assert {each.status_code for each in own} == {202}
        sets = _from(hub, "127.0.0.5", *[pushed(own_world.signed(claims(alert()), generate()))] * (2 * AT_ONCE))
        assert any(map(_busy, sets))


def test_guessing_tokens_is_stopped_by_address(own_world: World) -> None:
    """Tokens that are none, and assertions by keys that nobody knows, spend the address; monitors are let through."""
    with serving(own_world, "--refusals-per-s", str(RATE)) as hub:
        guesses = [Ask("GET", "/v1/subscriptions", {"Authorization": f"Bearer iab_{n}"}) for n in range(AT_ONCE)]
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        guesses += [Ask("POST", "/oauth/token", form, b"grant_type=client_credentials")] * AT_ONCE
        *answers, monitor = _from(hub, "127.0.0.2", *guesses, *guesses, Ask("GET", "/healthz"))
        assert any(map(_busy, answers))
        assert monitor.status_code == 200
        assert sign_in(hub, own_world, HEALTH).call("GET", "/v1/subscriptions").status_code == 200


def test_an_agency_that_posts_too_much_waits_and_no_other_does(own_world: World) -> None:
    """By the verified agency: what is new beyond its rate is told to wait, and the same bytes are taken later."""
    with serving(own_world, "--posts-per-s", str(RATE)) as hub:
        asks = [form_b(own_world.signed(claims(alert()))) for _ in range(3 * AT_ONCE)]
        answers = [ask.send(hub) for ask in asks]
        assert [each.status_code for each in answers[:AT_ONCE]] == [202] * AT_ONCE
        late = [ask for ask, answer in zip(asks, answers, strict=True) if _busy(answer)]
        assert late
        assert asks[0].send(hub).status_code == 202  # known already: nothing new
        other = alert(HEALTH, domain="crime")
        assert form_b(own_world.signed(claims(other, POLICE))).send(hub).status_code == 202
        assert late[0].send(hub).status_code in (202, 429)


def test_an_agency_that_calls_too_much_waits_and_no_other_does(own_world: World) -> None:
    """By the agency of the token, whichever of its clients calls; its posts are counted apart."""
    with serving(own_world, "--calls-per-s", str(RATE)) as hub:
        caller = sign_in(hub, own_world, DYKE)
        answers = [caller.call("GET", "/v1/subscriptions") for _ in range(3 * AT_ONCE)]
        assert answers[0].status_code == 200
        assert any(map(_busy, answers))
        assert sign_in(hub, own_world, HEALTH).call("GET", "/v1/subscriptions").status_code == 200
        assert form_b(own_world.signed(claims(alert()))).send(hub).status_code == 202
