"""Where a directory lies (YAML, signed versions, or one signed file), and how its refusals are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from broker.cli.output import failed, telling

if TYPE_CHECKING:
    from broker.trust.directory import Snapshot
    from broker.trust.published import Published


@contextmanager
def refusing(*, as_json: bool) -> Iterator[None]:
    """As `telling`; and turns what is wrong with a directory into its stable reason, words and exit code 1."""
    from broker.trust.directory import DirectoryFault
    from broker.trust.published import NotTaken

    with telling(as_json=as_json):
        try:
            yield
        except NotTaken as why:
            raise failed(why.reason, str(why).partition(": ")[2], as_json=as_json) from None
        except DirectoryFault as why:
            raise failed("directory", str(why), as_json=as_json) from None


def snapshot_at(place: Path) -> "Snapshot":
    """Of whatever lies there; of several signed versions the last. DirectoryFault when it cannot be read.

    Nothing is verified but its form.
    """
    from broker.trust.folder import read_folder

    signed = published_at(place)
    return read_folder(place) if signed is None else signed.snapshot


def published_at(place: Path) -> "Published | None":
    """The signed file, or the last one in the folder; None for a folder without."""
    from broker.trust.published import open_published
    from broker.trust.versions import read_version, versions_in

    if place.is_file():
        return open_published(place.read_text("utf-8", errors="replace"))
    found = versions_in(place)
    return read_version(found[max(found)]) if found else None
