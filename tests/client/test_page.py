"""docs/client.md: its examples run, one after the other, against a hub."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from broker.client import Client, NotVerified
from tests.cli.workplace import Workplace, furnished, serving, told_directory

PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing, posting, posting again, a refusal, a stream and reads do what the page says."""
    place = furnished(tmp_path)
    monkeypatch.chdir(tmp_path)
    with serving(place) as told:
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        names: dict[str, Any] = {"HUB": told["issuer"], "TOMORROW": tomorrow}
        for example in EXAMPLES:
            exec(compile(example, "docs/client.md", "exec"), names)  # noqa: S102 - our own page
        assert asyncio.run(asyncio.wait_for(names["main"](), 60)) == 3


async def test_the_example_of_a_webhook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hub pushes passes the page's receiver, and a changed byte does not."""
    place = furnished(tmp_path)
    monkeypatch.chdir(tmp_path)
    came: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def receive(request: web.Request) -> web.Response:
        came.put_nowait((dict(request.headers), await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    with told_directory(place) as directory:
        directory["agencies"][1] |= {"http_endpoints": [origin], "private_networks": ["127.0.0.0/8"]}
    try:
        with serving(place) as told:
            await asyncio.to_thread(_use, told["issuer"], origin, place)
            headers, body = await asyncio.wait_for(came.get(), 60)
            await asyncio.to_thread(_check, told["issuer"], headers, body)
    finally:
        await runner.cleanup()


def _use(hub: str, origin: str, place: Workplace) -> None:
    auth = ("--auth-key", "keys/vn.example.auth.pem")
    place.variables["BROKER_HUB"] = hub
    place.run("subscribe", "--own", "--adapter", "webhook", "--url", f"{origin}/", *auth)
    place.run("post", "flood.json", "--key", "keys/vn.example.pem")


def _check(hub: str, headers: dict[str, str], body: bytes) -> None:
    told = json.loads(body)["hub"]
    [example] = [each for each in EXAMPLES if "on_webhook" in each]
    with Client(hub) as client:
        names: dict[str, Any] = {"hub": client, "MY_WEBHOOK": told["subscription"]}
        exec(compile(example, "docs/client.md", "exec"), names)  # noqa: S102 - our own page
        delivery, received = names["on_webhook"](headers, body)
        assert delivery == received.hub.delivery
        with pytest.raises(NotVerified):
            names["on_webhook"](headers, body.replace(b'"parts"', b'"part "'))
