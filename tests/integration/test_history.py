"""Who changed this subscription on the 3rd: for its owner and for inspectors, durable, and for nobody else."""

import getpass
import json
import subprocess
import sys

from tests.integration.agencies import BANK, HEALTH, Json, World
from tests.integration.asking import Caller, sign_in
from tests.integration.processes import serving

AHA = "asean.aha"


def _history(caller: Caller, query: str = "") -> list[Json]:
    answer = caller.call("GET", "/v1/history" + query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["history"])


def _told(each: Json) -> tuple[object, ...]:
    return each["by"], each["what"], each["subscription"], each["members"], each["token"]


def _token(world: World, *words: str) -> str:
    command = [sys.executable, "-m", "broker", "token", *words, "--agency", HEALTH, "--name", "taxii"]
    command += ["--data", str(world.folder / "data"), "--json"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_each_change_is_in_the_history_with_who_made_it(own_world: World) -> None:
    """Made, changed, given a token, deleted: by whom, when, and which members; it outlives the subscription."""
    own_world.edit(_inspecting)
    by, operator = f"{HEALTH}#tests", f"operator:{getpass.getuser()}"
    with serving(own_world) as hub:
        caller = sign_in(hub, own_world, HEALTH)
        id_, other = caller.subscribe(), caller.subscribe()
        assert caller.call("PATCH", f"/v1/subscriptions/{id_}", {"name": "Trực ban"}).status_code == 200
        refused = {"purpose": []}
        assert caller.call("PATCH", f"/v1/subscriptions/{id_}", refused).status_code == 422
        token = json.loads(_token(own_world, "issue", "--subscription", id_))["token"]
        holder = Caller(hub, token)
        assert _history(holder) == _history(caller, f"?subscription={id_}")
        assert _history(holder, f"?subscription={other}") == []
        _token(own_world, "revoke")
        assert caller.call("DELETE", f"/v1/subscriptions/{id_}").status_code == 204
        told = _history(caller, f"?subscription={id_}")
        assert [_told(each) for each in told] == [
            (by, "created", id_, [], None),
            (by, "changed", id_, ["name"], None),
            (operator, "token issued", id_, [], "taxii"),
            (operator, "token revoked", id_, [], "taxii"),
            (by, "deleted", id_, [], None),
        ]
        assert [each["at"] for each in told] == sorted(each["at"] for each in told)
        assert len(_history(caller)) == len(told) + 1
        assert hub.terminate() == 0
    with serving(own_world) as hub:
        assert _history(sign_in(hub, own_world, HEALTH), f"?subscription={id_}") == told
        assert _history(sign_in(hub, own_world, AHA, scope="inspect"), f"?agency={HEALTH}&subscription={id_}") == told
        assert _history(sign_in(hub, own_world, BANK), f"?agency={HEALTH}") == []
        assert "Trực ban" not in json.dumps(told, ensure_ascii=False)


def _inspecting(document: Json) -> None:
    for entry in document["agencies"]:
        entry["roles"] = ["inspector"] if entry["id"] == AHA else []
