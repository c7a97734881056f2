"""The hub's own keys: found, or made, and never better than the directory says."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.errors import Broken
from broker.trust.directory import Snapshot
from broker.trust.folder import snapshot_of
from broker.trust.hubkeys import USES, HubKeys, load_or_make

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def _directory(*keys: dict[str, Any]) -> Snapshot:
    hub = {"id": "vn.hub", "tier": "state", "active": True, "keys": list(keys)}
    return snapshot_of({"network": "https://nts.example/vn", "version": 1, "hub": "vn.hub", "agencies": [hub]})


def _listed(keys: HubKeys, use: str, **changed: Any) -> dict[str, Any]:
    record = next(each for each in keys.records if each.use == use)
    return record.model_dump(mode="json", exclude={"agency"}) | changed


def test_a_made_key_is_found_again(tmp_path: Path) -> None:
    """A hub that starts again has the keys that it made, for each use one, in files of mode 600."""
    first, second = (load_or_make(tmp_path, _directory()) for _ in range(2))
    assert [first.kid(use) for use in USES] == [second.kid(use) for use in USES]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert len(list(tmp_path.iterdir())) == len(USES)


def test_a_made_key_is_valid_since_it_was_made(tmp_path: Path) -> None:
    """What a made key signed a month ago verifies still, however often the hub was started since."""
    load_or_make(tmp_path, _directory())
    for path in tmp_path.iterdir():
        os.utime(path, ((NOW - 30 * DAY).timestamp(),) * 2)
    records = load_or_make(tmp_path, _directory()).records
    assert {datetime.fromisoformat(each.valid_from) for each in records} == {NOW - 31 * DAY}


def test_a_made_key_that_the_directory_lists_is_used_as_listed(tmp_path: Path) -> None:
    """Once its record stands in the directory, that record is the one that counts."""
    made = load_or_make(tmp_path, _directory())
    until = (NOW + 5 * DAY).isoformat()
    again = load_or_make(tmp_path, _directory(_listed(made, "receipt", valid_until=until)))
    assert again.kid("receipt") == made.kid("receipt")
    assert next(each for each in again.records if each.use == "receipt").valid_until == until


def test_a_made_key_that_was_revoked_does_not_come_back(tmp_path: Path) -> None:
    """The hub does not start with a made key that the directory says is revoked."""
    made = load_or_make(tmp_path, _directory())
    revoked = _directory(_listed(made, "receipt", revoked={"at": NOW.isoformat()}))
    with pytest.raises(Broken, match=r"made-receipt\.pem as revoked"):
        load_or_make(tmp_path, revoked)


def test_the_directory_overrides_the_hub_about_its_keys(tmp_path: Path) -> None:
    """A hub key that is revoked while the hub runs is told as revoked at once."""
    made = load_or_make(tmp_path, _directory())
    revoked = _directory(_listed(made, "receipt", revoked={"at": NOW.isoformat()}))
    record = revoked.with_hub_keys(made.records).key(made.kid("receipt"))
    assert record is not None
    assert record.revoked is not None


def test_roles_that_start_together_share_what_one_made(tmp_path: Path) -> None:
    """Several processes that begin at once in an empty folder end up with the same keys."""
    made: list[HubKeys] = []
    begin = threading.Barrier(4)

    def start() -> None:
        begin.wait()
        made.append(load_or_make(tmp_path, _directory()))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tuple(keys.kid(use) for use in USES) for keys in made}) == 1
    assert len(made) == 4
