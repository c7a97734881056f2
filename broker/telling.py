"""Release decisions as they are told and kept: the JSON of `GET /v1/decisions` (protocol §6)."""

import json
from datetime import datetime
from typing import Literal

from broker.clock import told
from broker.policy.release import Released, Withheld
from broker.ports import StoredAlert

Outcome = Literal["whole", "part", "withheld"]


def decision_text(alert: StoredAlert, subscription: str, decision: Released | Withheld, now: datetime) -> str:
    """One decision with what every rule said; of the alert it names nothing but its id and its parts."""
    return json.dumps(
        {
            "alert": alert.label.id,
            "subscription": subscription,
            "at": told(now),
            "outcome": outcome(decision),
            "parts": list(decision.parts) if isinstance(decision, Released) else [],
            "rules": [
                {"rule": said.rule, "said": said.said, "looked_at": said.looked_at, "because": said.because}
                for said in decision.rules
            ],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def outcome(decision: Released | Withheld) -> Outcome:
    """`whole`, `part` or `withheld`."""
    if isinstance(decision, Withheld):
        return "withheld"
    return "whole" if decision.whole else "part"
