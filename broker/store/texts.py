"""Values as the text that is kept: compact JSON, defaults left out, nothing that was signed changed."""

from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter

from broker.ledger.receipts import Entry
from broker.ports.alert_log import Parked, StoredAlert
from broker.ports.outbox import Attempt, Opened
from broker.ports.registers import ApiToken, Change, Held

Kept = TypeVar("Kept")


class Text(Generic[Kept]):
    """How values of one type are written and read."""

    def __init__(self, type_: type[Kept]) -> None:
        self._adapter: TypeAdapter[Kept] = TypeAdapter(type_)

    def write(self, value: Kept) -> bytes:
        return self._adapter.dump_json(value, exclude_defaults=True)

    def read(self, text: str) -> Kept:
        return self._adapter.validate_json(text)


ALERT: Final = Text(StoredAlert)
PARKED: Final = Text(Parked)
OPENED: Final = Text(Opened)
ATTEMPT: Final = Text(Attempt)
HELD: Final = Text(Held)
CHANGE: Final = Text(Change)
TOKEN: Final = Text(ApiToken)
ENTRY: Final = Text(Entry)
