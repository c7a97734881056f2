"""A CAP 1.2 alert that says what the statement says, or, when told so, something else."""

from independent.alerts import Part, later
from independent.jose import Json

_CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{identifier}</identifier>
  <sender>{sender}</sender>
  <sent>{sent}</sent>
  <status>{status}</status>
  <msgType>Alert</msgType>
  <scope>{scope}</scope>{narrowed}
  <info>
    <language>vi</language>
    <category>Met</category>
    <event>Lũ</event>
    <urgency>{urgency}</urgency>
    <severity>{severity}</severity>
    <certainty>{certainty}</certainty>
    <expires>{expires}</expires>
    <headline>Lũ trên sông Hồng</headline>
    <area>
      <areaDesc>Quảng Ninh</areaDesc>
      <circle>20.9,106.9 25.0</circle>
    </area>
  </info>
</alert>
"""


def cap_part(alert_id: str, event: Json, **changes: str) -> Part:
    """The part `main` for this alert of a public or restricted kind; `changes` makes it disagree."""
    members = {
        "identifier": alert_id,
        "sender": alert_id.partition("/")[0],
        "sent": later(0),
        "status": event["status"].capitalize(),
        "scope": "Public" if "@public" in event["addressing"]["to"] else "Restricted",
        "urgency": event["urgency"].capitalize(),
        "severity": event["severity"].capitalize(),
        "certainty": event["certainty"].capitalize(),
        "expires": event["expires"],
        **changes,
    }
    restricted = members["scope"] == "Restricted"
    narrowed = "\n  <restriction>TLP</restriction>" if restricted else ""
    return Part("main", "application/cap+xml", _CAP.format(narrowed=narrowed, **members).encode())
