"""The directory as a folder: how pieces make a whole, what is refused, and how a change is taken."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.errors import Broken
from broker.trust.directory import DirectoryFault, Highest
from broker.trust.folder import DirectoryFolder, _look, canonical, read_folder, snapshot_of
from tests.unit import making
from tests.unit.making import DYKE, PARENT, PROVINCE

DEADLINE_S = 20


def write(folder: Path, name: str, value: Any) -> None:
    """A file of the folder, exchanged as a whole: JSON text is YAML, too."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    (folder / f".{name}.new").write_text(text, "utf-8")
    (folder / f".{name}.new").rename(folder / name)


class TestReading:
    """The files' lists are joined, maps merged, and single values must agree."""

    def test_one_json_file(self, tmp_path: Path) -> None:
        """A directory that came as JSON lies there as it is, whatever its suffix."""
        for suffix in (".json", ".yaml", ".yml"):
            folder = tmp_path / suffix[1:]
            folder.mkdir()
            write(folder, "directory" + suffix, making.document())
            assert read_folder(folder).digest == making.directory().digest

    def test_in_the_words_of_partners(self) -> None:
        """The small directory of this folder, in the member names that partners exchange, loads as it is."""
        snapshot = read_folder(Path(__file__).parent / "directory")
        assert (snapshot.hub, snapshot.network) == ("vn.hub", "https://nts.example/vn")
        assert snapshot.key(making.key(DYKE).kid) is not None
        assert snapshot.communities_of("th.police") == {"@asean.disaster"}
        assert len(snapshot.agreements(DYKE, PROVINCE)) == 1

    def test_pieces(self, tmp_path: Path) -> None:
        """Agencies in one file each, and the rest in another, make the same directory as one file does."""
        whole = making.document()
        for agency in whole.pop("agencies"):
            write(tmp_path, f"{agency['id']}.yaml", yaml.safe_dump({"agencies": [agency]}, allow_unicode=True))
        write(
            tmp_path, "zz.yml", {"network": whole["network"], "profiles": {"health": whole["profiles"].pop("health")}}
        )
        write(tmp_path, "network.json", whole)
        pieces = read_folder(tmp_path)
        assert {agency.id for agency in pieces.document.agencies} == set(making.MANDATES)
        assert set(pieces.document.profiles) == set(making.PROFILES)

    def test_what_is_no_piece(self, tmp_path: Path) -> None:
        """Hidden files, other suffixes, folders and empty files are passed over."""
        write(tmp_path, "directory.json", making.document())
        write(tmp_path, "README.md", "agencies: nobody")
        write(tmp_path, ".hidden.yaml", "agencies: nobody")
        write(tmp_path, "empty.yaml", "# nothing yet\n")
        (tmp_path / "folder.yaml").mkdir()
        assert read_folder(tmp_path).digest == making.directory().digest

    @pytest.mark.parametrize(
        ("name", "text", "told"),
        [
            ("b.yaml", "network: https://other.example", "network says something else"),
            ("b.yaml", "profiles: {health: {approval: true}}", "profiles says something else"),
            ("b.yaml", "agencies: {}", "agencies says something else"),
            ("b.yaml", "network: https://nts.example/vn\nnetwork: https://nts.example/vn", "stands twice"),
            ("b.yaml", "agencies: [{id: vn.a, id: vn.b}]", "stands twice"),
            ("b.yaml", "agencies: [", "b.yaml"),
            ("b.yaml", "!!python/object/apply:os.getcwd []", "b.yaml"),
            ("b.yaml", "- a list", "expected members"),
            ("b.json", "{", "b.json"),
            ("b.yaml", "unknown: 1", "/unknown"),
            ("b.yaml", "agencies: [{id: vn.mae.dyke, tier: state, active: true}]", "another id"),
            ("b.yaml", "agencies: [{id: vn.new, tier: state}]", "/active"),
            ("b.yaml", "communities: [{name: '@public', members: [], tiers: []}]", "/communities/0"),
        ],
        ids=str,
    )
    def test_refused(self, tmp_path: Path, name: str, text: str, told: str) -> None:
        """What contradicts, stands twice, or is no directory is refused, naming the file or the path."""
        write(tmp_path, "a.json", making.document())
        write(tmp_path, name, text)
        with pytest.raises(DirectoryFault) as fault:
            read_folder(tmp_path)
        assert told in str(fault.value)

    def test_bytes_that_are_no_text(self, tmp_path: Path) -> None:
        """A file that is not UTF-8 is named."""
        write(tmp_path, "a.json", making.document())
        (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(DirectoryFault, match=r"b\.yaml"):
            read_folder(tmp_path)

    def test_nothing(self, tmp_path: Path) -> None:
        """An empty folder, and a missing one, is no directory: nothing never means all."""
        for folder in (tmp_path, tmp_path / "missing"):
            with pytest.raises(DirectoryFault):
                read_folder(folder)

    def test_times_are_texts(self, tmp_path: Path) -> None:
        """A time that YAML would read as its own kind of value stays the text that people wrote."""
        write(tmp_path, "a.yaml", yaml.safe_dump(making.document()))
        write(tmp_path, "b.yaml", "expires: 2027-01-01T00:00:00Z")
        assert read_folder(tmp_path).expires == "2027-01-01T00:00:00Z"


class TestDigest:
    """One text for one content."""

    def test_order_does_not_count(self) -> None:
        """The order of members does not change the digest; any value does."""
        plain = making.document()
        turned = dict(reversed(plain.items()))
        assert snapshot_of(turned).digest == snapshot_of(plain).digest
        assert snapshot_of(plain | {"version": 2}).digest != snapshot_of(plain).digest

    def test_the_text_makes_the_same_again(self) -> None:
        """The kept text is read back to a directory of the same digest."""
        snapshot = making.directory()
        assert snapshot_of(json.loads(canonical(snapshot.document))).digest == snapshot.digest


class TestKeys:
    """A key has one owner, one name and one use."""

    def test_two_owners(self) -> None:
        """The same key at two agencies is refused, naming both."""
        entry = making.key_entry(making.key(DYKE))
        with pytest.raises(DirectoryFault, match=r"vn\.mae, key .*vn\.mae\.dyke has that key"):
            making.directory(agencies={PARENT: {"keys": [entry]}, DYKE: {"keys": [entry]}})

    def test_another_name(self) -> None:
        """A `kid` that is not the thumbprint is refused."""
        entry = making.key_entry(making.key(DYKE), kid=making.key(PARENT).kid)
        with pytest.raises(DirectoryFault, match="thumbprint"):
            making.directory(agencies={DYKE: {"keys": [entry]}})


class TestQuestions:
    """What is not in a snapshot, is not; no question answers `all`."""

    def test_selectors(self) -> None:
        """An id names itself; `a.*` its descendants of tier state, not itself, nor names that begin alike."""
        more = [
            {"id": "vn.maex", "tier": "state", "active": True},
            {"id": "vn.mae.lab", "tier": "business", "active": True},
        ]
        whole = making.document()
        snapshot = snapshot_of(whole | {"agencies": whole["agencies"] + more})
        assert snapshot.matches("vn.mae", "vn.mae")
        assert not snapshot.matches("vn.mae", DYKE)
        assert snapshot.matches("vn.mae.*", DYKE)
        assert snapshot.matches("vn.*", DYKE)
        for agency in ("vn.mae", "vn.maex", "vn.mae.lab", "vn.mae.unknown", "th.police"):
            assert not snapshot.matches("vn.mae.*", agency)
        assert not snapshot.matches("@public", DYKE)
        assert not snapshot.matches("@unknown", DYKE)

    def test_inspectors(self) -> None:
        """The agencies whose entry has that role, and no others."""
        roles = {DYKE: {"roles": ["witness", "inspector"]}, "vn.mae": {"roles": ["witness"]}}
        assert making.directory(agencies=roles).inspectors == {DYKE}
        assert making.directory().inspectors == frozenset()

    def test_who_is_not_there(self) -> None:
        """Of an unknown agency nothing is known, and it may nothing."""
        snapshot = making.directory()
        assert snapshot.agency("vn.nobody") is None
        assert list(snapshot.mandates("vn.nobody")) == list(snapshot.predecessors("vn.nobody")) == []
        assert snapshot.communities_of("vn.nobody") == frozenset()
        assert list(snapshot.agreements("vn.nobody", DYKE)) == list(snapshot.delegations("vn.nobody", DYKE)) == []
        assert snapshot.key("nothing") is snapshot.caveat("H1") is snapshot.community("@none") is None

    def test_ancestors(self) -> None:
        """The nearest first."""
        assert list(making.directory().ancestors("vn.mps.c02")) == ["vn.mps", "vn"]
        assert list(making.directory().ancestors("vn")) == []


class History:
    """Every version that was kept."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def keep(self, digest: str, document: str) -> None:
        self.texts[digest] = document

    async def document(self, digest: str) -> str | None:
        return self.texts.get(digest)

    async def highest(self) -> None:
        return None

    async def take(self, version: int, digest: str) -> Highest:
        raise AssertionError("nothing here is signed")


async def until(folder: DirectoryFolder, version: int) -> None:
    """Waits until that version is in force."""
    async with asyncio.timeout(DEADLINE_S):
        while folder.current().version != version:
            await asyncio.sleep(0.02)


class TestInForce:
    """The last good version is in force, and every version that ever was is found again."""

    async def test_a_change_is_taken(self, tmp_path: Path) -> None:
        """A changed file makes a new version; the one before is still found by its digest."""
        folder = tmp_path / "directory"
        folder.mkdir()
        write(folder, "a.json", making.document())
        history = History()
        directory = DirectoryFolder(folder, history)
        await directory.open(tmp_path / "keys")
        try:
            first = directory.current()
            write(folder, "a.json", making.document(version=2))
            await until(directory, 2)
            assert (await directory.at(first.digest)).version == 1
            assert set(history.texts) == {first.digest, directory.current().digest}
        finally:
            await directory.close()

    async def test_a_broken_change_is_not(self, tmp_path: Path) -> None:
        """A broken edit leaves the last good version in force, and the next good one is taken."""
        folder = tmp_path / "directory"
        folder.mkdir()
        write(folder, "a.json", making.document())
        directory = DirectoryFolder(folder, History())
        await directory.open(tmp_path / "keys")
        try:
            write(folder, "b.yaml", "agencies: [")
            async with asyncio.timeout(DEADLINE_S):
                while directory._seen != _look(folder):
                    await asyncio.sleep(0.02)
            assert directory.current().version == 1
            write(folder, "b.yaml", "expires: 2027-01-01T00:00:00Z")
            write(folder, "a.json", making.document(version=3))
            await until(directory, 3)
        finally:
            await directory.close()

    async def test_a_version_from_before_this_process(self, tmp_path: Path) -> None:
        """Years later, another process finds an old version in the history; a lost one is told as broken."""
        write(tmp_path, "a.json", making.document(version=2))
        old = making.directory()
        history = History()
        await history.keep(old.digest, canonical(old.document))
        directory = DirectoryFolder(tmp_path, history)
        await directory.open(tmp_path / "keys")
        try:
            assert (await directory.at(old.digest)).document == old.document
            with pytest.raises(Broken, match="is gone"):
                await directory.at("sha256:" + "0" * 64)
        finally:
            await directory.close()

    async def test_no_directory_no_hub(self, tmp_path: Path) -> None:
        """Without a usable directory the hub does not start, and before it has one it answers nothing."""
        directory = DirectoryFolder(tmp_path / "missing", History())
        with pytest.raises(Broken):
            directory.current()
        (tmp_path / "missing").mkdir()
        with pytest.raises(Broken, match="cannot be used"):
            await directory.open(tmp_path / "keys")

    async def test_the_hubs_own_keys(self, tmp_path: Path) -> None:
        """Keys that the hub made for itself vouch for what it says, in this version and in the next."""
        folder = tmp_path / "directory"
        folder.mkdir()
        write(folder, "a.json", making.document())
        directory = DirectoryFolder(folder, History())
        keys = await directory.open(tmp_path / "keys")
        try:
            made = keys.kid("receipt")
            assert directory.current().key(made) is not None
            write(folder, "a.json", making.document(version=2))
            await until(directory, 2)
            assert directory.current().key(made) is not None
            assert directory.current().digest == making.directory(version=2).digest
        finally:
            await directory.close()
