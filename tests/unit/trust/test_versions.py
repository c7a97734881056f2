"""The folder of published versions: what counts as one, and that a file is added whole or not at all."""

import os
from pathlib import Path

import pytest

from broker.trust.published import NotTaken
from broker.trust.versions import name_of, read_version, versions_in, write_version
from tests.unit.registering import chain, document, signed


def test_versions_are_told_in_their_order(tmp_path: Path) -> None:
    """By number, whatever order they were written in; other files are passed over."""
    one, two, three = chain(3)
    for each in (three, one, two):
        write_version(tmp_path, each)
    (tmp_path / "README.md").write_text("-")
    (tmp_path / ".version-000004.signed.half").write_text("{")
    (tmp_path / "version-4.signed").write_text("{")
    found = versions_in(tmp_path)
    assert list(found) == [1, 2, 3]
    assert [read_version(path).digest for path in found.values()] == [one.digest, two.digest, three.digest]
    assert versions_in(tmp_path / "missing") == {}


def test_a_version_is_never_written_over(tmp_path: Path) -> None:
    """A second text for a number that is there is refused, and nothing of it stays behind."""
    (one,) = chain(1)
    write_version(tmp_path, one)
    with pytest.raises(FileExistsError):
        write_version(tmp_path, signed(document(1, profiles={}), None))
    assert [path.name for path in tmp_path.iterdir()] == [name_of(1)]
    assert read_version(tmp_path / name_of(1)).digest == one.digest


@pytest.mark.parametrize("text", ["", "{}", "version: 1", '{"statement": "a.b.c"}'])
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    """What cannot be read is refused as malformed, by its name."""
    path = tmp_path / name_of(1)
    path.write_text(text)
    with pytest.raises(NotTaken, match=r"version-000001\.signed") as why:
        read_version(path)
    assert why.value.reason == "malformed"


def test_a_file_under_another_name(tmp_path: Path) -> None:
    """A version is what it says, and its file's name must say the same."""
    (one,) = chain(1)
    path = tmp_path / name_of(7)
    path.write_text(one.text)
    with pytest.raises(NotTaken, match="holds version 1"):
        read_version(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(NotTaken):
        read_version(path)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe under a version's name would hold up whoever reads it, and a device has no end."""
    pipe, device = tmp_path / name_of(1), tmp_path / name_of(2)
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device):
        with pytest.raises(NotTaken, match="is no file"):
            read_version(path)
