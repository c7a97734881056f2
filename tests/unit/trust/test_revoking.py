"""Writing into people's files that a key is revoked: what changes, and that nothing else does."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.trust.directory import DirectoryFault
from broker.trust.folder import read_folder
from broker.trust.revoking import revoked_record, write_revocation
from tests.unit import making
from tests.unit.making import DYKE

KID = making.key(DYKE).kid
AT, SINCE = "2026-11-24T08:00:00.000Z", "2026-11-24T01:00:00.000Z"
TOLD = {"at": AT, "compromised_since": SINCE}


def dump(document: dict[str, Any], **how: Any) -> str:
    """As YAML, with a comment and a name that is not ASCII before the keys."""
    return "# sổ đăng ký của bộ Công an\n" + yaml.safe_dump(document, allow_unicode=True, sort_keys=False, **how)


def named(**key: Any) -> dict[str, Any]:
    """The directory, with a name in Vietnamese, and members of the dyke agency's key."""
    keys = [{**making.key_entry(making.key(DYKE)), **key}]
    return making.document(agencies={DYKE: {"names": {"vi": "Cục Quản lý đê điều"}, "keys": keys}})


TEXTS = {
    "block": dump(named(), default_flow_style=False),
    "flow": dump(named(), default_flow_style=True),
    "mixed": dump(named(), default_flow_style=None),
    "json": json.dumps(named(), indent=1, ensure_ascii=False),
    "json in a line": json.dumps(named()),
    "null": json.dumps(named(revoked=None)),
    "revoked later": json.dumps(named(revoked={"at": AT, "compromised_since": AT})),
    "without since": dump(named(revoked={"at": AT}), default_flow_style=None),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_key_is_revoked_and_the_version_counted_up(text: str, tmp_path: Path) -> None:
    """Whatever the writing, the record says it, every other member is as it was, and comments stay."""
    path = tmp_path / "directory.yaml"
    path.write_text(text, "utf-8")
    before = read_folder(tmp_path)
    after, changed = write_revocation(tmp_path, KID, TOLD)
    assert changed == (path,)
    record = after.key(KID)
    assert record is not None
    assert record.revoked is not None
    assert record.revoked.model_dump() == TOLD
    assert after.version == before.version + 1
    whole = after.document.model_dump(mode="json", by_alias=True, exclude_none=True)
    for agency in whole["agencies"]:
        for key in agency.get("keys", ()):
            key.pop("revoked", None)
    other = before.document.model_dump(mode="json", by_alias=True, exclude_none=True)
    for agency in other["agencies"]:
        for key in agency.get("keys", ()):
            key.pop("revoked", None)
    assert whole == other | {"version": after.version}
    assert ("# sổ đăng ký" in text) == ("# sổ đăng ký" in path.read_text("utf-8"))
    assert sorted(tmp_path.iterdir()) == [path]


def test_what_is_said_already_is_not_said_again() -> None:
    """For this time or an earlier one the record stays; an earlier theft widens it, and its first `at` stays."""
    before = making.directory(agencies={DYKE: {"keys": [making.key_entry(making.key(DYKE), revoked=TOLD)]}})
    assert revoked_record(before, KID, AT, SINCE) is None
    assert revoked_record(before, KID, AT, "2026-11-24T02:00:00.000Z") is None
    earlier = "2026-11-23T00:00:00.000Z"
    assert revoked_record(before, KID, "2026-11-25T00:00:00.000Z", earlier) == {"at": AT, "compromised_since": earlier}
    with pytest.raises(DirectoryFault):
        revoked_record(before, "unknown", AT, SINCE)


def test_what_cannot_be_written_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    """A key that is in no file, a record to be mended by hand, and a time that is none change nothing."""
    path = tmp_path / "directory.yaml"
    path.write_text(dump(named(revoked={"at": AT}), default_flow_style=False), "utf-8")
    text = path.read_text("utf-8")
    for kid, told in (("unknown", TOLD), (KID, TOLD)):
        with pytest.raises(DirectoryFault):
            write_revocation(tmp_path, kid, told)
        assert path.read_text("utf-8") == text
    path.write_text(TEXTS["block"], "utf-8")
    with pytest.raises(DirectoryFault):
        write_revocation(tmp_path, KID, {"at": "yesterday"})
    assert path.read_text("utf-8") == TEXTS["block"]
