"""A hub of three processes takes a hundred versions while agencies post: each request is decided under one version."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx2

from broker.ports.dossiers import Decided
from broker.store.in_redis import RedisStore
from broker.trust.published import Published
from broker.trust.versions import name_of, read_version
from tests.integration.agencies import DYKE, HEALTH, POLICE, Json, alert, claims
from tests.integration.asking import STATEMENT, sign_in
from tests.integration.processes import Hub, engine, serving, until
from tests.integration.registrars import SignedWorld

VERSIONS = 100
TERMS: Json = {
    "domains": ["disaster"],
    "statuses": ["actual"],
    "tlps": ["green"],
    "severity": "extreme",
    "personal": ["none"],
    "purposes": ["prevention"],
}


@dataclass
class Seen:
    """What posts were answered: accepted ones with the directory that the hub's entry names, and the others' codes."""

    accepted: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def _may(document: Json) -> None:
    """Even versions: dykes may speak, and police may give to health. Odd ones: neither."""
    document["version"] += 1
    even = document["version"] % 2 == 0
    (dyke,) = [each for each in document["agencies"] if each["id"] == DYKE]
    mandate = {"domains": ["disaster"], "areas": ["*"], "statuses": ["actual"], "severity": "extreme"}
    dyke["mandates"] = [mandate] if even else []
    others = [each for each in document["agreements"] if (each["from"], each["to"]) != (POLICE, HEALTH)]
    document["agreements"] = [*others, *([{"from": POLICE, "to": HEALTH, **TERMS}] if even else [])]


def _post(hub: Hub, world: SignedWorld, issuer: str, stop: threading.Event, seen: Seen) -> None:
    """One agency that posts to health without a pause; what is no answer of the protocol ends the test."""
    with httpx2.Client(base_url=hub.url, trust_env=False, timeout=30) as http:
        while not stop.is_set():
            said = claims(alert(HEALTH), issuer)
            answer = http.post("/v1/alerts", content=world.signed(said), headers={"Content-Type": STATEMENT})
            told = answer.json()
            if answer.status_code == 202:
                seen.accepted[said["jti"]] = json.loads(told["entry"]["payload"])["directory"]
            else:
                seen.refused.append(told["code"])


def _versions(hub: Hub, world: SignedWorld, before: Published) -> Iterator[Published]:
    """Published one after the other, each as soon as the ingress has the one before."""
    yield before
    for _ in range(VERSIONS):
        world.redraft(_may)
        before = world.publish(before)
        until(partial(_is_in_force, hub, before.digest))
        yield before


def _is_in_force(hub: Hub, digest: str) -> bool:
    return bool(hub.http.get("/.well-known/interagency-hub").json()["directory"]["digest"] == digest)


async def _decisions(url: str, alerts: Sequence[str]) -> list[Decided]:
    store = RedisStore(url)
    await store.open()
    try:
        return [each for id_ in alerts for each in await store.dossiers.decisions(id_)]
    finally:
        await store.close()


async def _routed(url: str) -> bool:
    """Whether every accepted alert has been decided on."""
    store = RedisStore(url)
    await store.open()
    try:
        tails = await store.log.tails()
        return all([await store.log.cursor(partition) == tail for partition, tail in tails.items()])
    finally:
        await store.close()


def test_each_request_is_decided_under_one_version(tmp_path: Path) -> None:
    """No post fails; each accepted one stands under a version that lets its issuer speak, and each decision is what
    the version that it names says.
    """
    world = SignedWorld.begin(tmp_path)
    world.redraft(_may)
    second = world.publish(read_version(world.directory / name_of(1)))
    seen = {DYKE: Seen(), POLICE: Seen()}
    with ExitStack() as stack:
        store = stack.enter_context(engine(tmp_path / "engine"))
        trust = ("--directory-trust", world.trust)
        ingress, *workers = [
            stack.enter_context(serving(world, *trust, role=role, data=role, REDIS_URL=store.url))
            for role in ("ingress", "router", "courier")
        ]
        caller = sign_in(ingress, world, HEALTH)
        id_ = caller.subscribe()
        stop = threading.Event()
        with ThreadPoolExecutor() as pool:
            posting = [pool.submit(_post, ingress, world, issuer, stop, each) for issuer, each in seen.items()]
            try:
                versions = list(_versions(ingress, world, second))
            finally:
                stop.set()
            for each in posting:
                each.result()
        until(lambda: asyncio.run(_routed(store.url)))
        decisions = asyncio.run(_decisions(store.url, list(seen[POLICE].accepted)))
        taken = _taken(workers[0], versions)
    even = {each.digest for each in versions if each.version % 2 == 0}
    assert len(versions) == VERSIONS + 1
    assert seen[POLICE].refused == []
    assert set(seen[DYKE].refused) == {"outside-mandate"}
    assert seen[DYKE].accepted
    assert set(seen[DYKE].accepted.values()) <= even
    assert {each.subscription for each in decisions} == {id_}
    assert len(decisions) >= len(seen[POLICE].accepted)
    assert all((each.outcome == "whole") == (each.directory in even) for each in decisions)
    assert {each.outcome for each in decisions} == {"whole", "withheld"}
    assert taken >= VERSIONS // 2


def _taken(hub: Hub, versions: Sequence[Published]) -> int:
    """How many of them the process had in force."""
    digests = {each.digest for each in versions}
    return len({line["digest"] for line in hub.lines() if line["event"] == "directory in force"} & digests)
