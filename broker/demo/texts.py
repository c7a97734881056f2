"""The demo's alerts, as they stand in `alerts/*.yaml`; times and references are filled in when they are posted."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from broker.client import Content, Draft
from broker.demo.photo import photo

GROUPS = ("disaster", "sea", "health", "cyber", "crime", "money", "refused", "live")
"""The files, in the order of the table."""
FOLDER = Path(__file__).with_name("alerts")
_IN = re.compile(r"\+(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TIMES = frozenset({"expires", "erase_after"})
_IDS = frozenset({"references", "derived_from"})
_BLANK = re.compile(r"\{\{(\w+)(?: ([\w-]+))?\}\}")


@dataclass(frozen=True, slots=True)
class Text:
    """One alert of the folder: who says it, what the table calls it, and what is done to it (`how`, `of`)."""

    name: str
    group: str
    place: int
    """In the table."""
    issuer: str
    label: str
    event: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    how: str | None = None
    of: str | None = None
    unchecked: bool = False
    """Whether it is signed although the schema refuses it."""


Texts = Mapping[str, Text]


def load() -> Texts:
    """All of them, by name."""
    found: dict[str, Text] = {}
    for group in GROUPS:
        for name, members in yaml.safe_load((FOLDER / f"{group}.yaml").read_text("utf-8")).items():
            found[name] = Text(name, group, len(found), **members)
    return found


@dataclass
class Filling:
    """What a draft is filled in with: ids and times of those that were posted before it."""

    texts: Texts
    agencies: Mapping[str, str]
    """Ids by short name."""
    ids: dict[str, str] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)

    def draft(self, text: Text) -> Draft:
        """What is signed."""
        now = datetime.now(UTC).replace(microsecond=0)
        event = self._filled(text.event, now)
        self.sent.setdefault(text.name, _cap_time(now))
        blanks = {
            "ours": event.get("refs", {}).get("ours", ""),
            "sender": self.agencies[text.issuer],
            "status": str(event["status"]).capitalize(),
            "expires": _cap_time(datetime.fromisoformat(event["expires"])) if "expires" in event else "",
        }
        contents = {id_: self._content(part, text.name, blanks) for id_, part in text.parts.items()}
        return Draft(event, contents)

    def later(self, wait: str) -> str:
        """The time that `+6h` and the like mean now."""
        return _later(wait, datetime.now(UTC).replace(microsecond=0)) or wait

    def _filled(self, event: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        return {name: self._member(name, value, now) for name, value in event.items()}

    def _member(self, name: str, value: Any, now: datetime) -> Any:
        if isinstance(value, dict):
            return self._filled(value, now)
        if name in _IDS:
            return [self.ids[each] for each in value]
        return (_later(value, now) or value) if name in _TIMES else value

    def _content(self, part: Mapping[str, Any], name: str, blanks: Mapping[str, str]) -> Content:
        return Content(
            self._bytes(part, name, blanks), part["type"], part.get("language"), handling=part.get("handling")
        )

    def _bytes(self, part: Mapping[str, Any], name: str, blanks: Mapping[str, str]) -> bytes:
        if part.get("photo"):
            return photo()
        if "json" in part:
            return json.dumps(part["json"], ensure_ascii=False, indent=1).encode()
        text = part["text"] if "text" in part else self.texts[part["as"]].parts["main"]["text"]

        def fill(blank: re.Match[str]) -> str:
            return self.sent[blank[2] or name] if blank[1] == "sent" else blanks[blank[1]]

        return _BLANK.sub(fill, text).encode()


def _later(wait: str, now: datetime) -> str | None:
    match = _IN.fullmatch(wait)
    return (now + timedelta(**{_UNITS[match[2]]: int(match[1])})).isoformat() if match else None


def _cap_time(moment: datetime) -> str:
    """CAP 1.2 §3.3.2: an offset, and never Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
