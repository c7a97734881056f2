"""The floor of ingress: a bare ASGI application on the same server settings and the same group commit.

It reads the body, verifies one Ed25519 signature, hashes, appends, answers.

    python -m benchmarks.floor PORT FOLDER KEY
"""

import asyncio
import hashlib
import sys
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from broker.api.server import Server
from broker.store.grouping import Grouping, Record
from broker.store.in_redis import RedisStore
from broker.store.server import PrivateServer
from broker.trust.jws import decode

ANSWER = b"x" * 900
"""About as long as a 202 of ours."""


class Floor:
    """What cannot be left out."""

    def __init__(self, store: RedisStore, key: Ed25519PublicKey) -> None:
        log = store.log
        self.groups = [Grouping(partial(log._write, partition)) for partition in log._partitions]
        self.key = key

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        signing_input, _, signature = body.rpartition(b".")
        self.key.verify(decode(signature.decode()), signing_input)
        digest = hashlib.sha256(signing_input).hexdigest()
        await self.groups[0].add(Record(f"vn.a/{digest}", body))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": ANSWER})


async def serve(port: int, folder: Path, key: Ed25519PublicKey) -> None:
    async with PrivateServer(folder) as url:
        store = RedisStore(url)
        await store.open()
        await Server(Floor(store, key), port=port).run(asyncio.Event())


if __name__ == "__main__":
    public = Ed25519PublicKey.from_public_bytes(decode(sys.argv[3]))
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2]), public))
