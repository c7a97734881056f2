"""Posters as the protocol asks for them: what was answered with 503 is sent again, the same bytes, until taken."""

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

import httpx2

from tests.integration.agencies import World, alert, claims
from tests.integration.asking import form_b
from tests.integration.processes import Hub, until


@dataclass
class Posters:
    """Threads that post flood warnings of the dyke agency to the ministry of health, until the block ends."""

    hub: Hub
    world: World
    threads: int = 4
    pause_s: float = 0.02
    acknowledged: list[str] = field(default_factory=list)
    refused: list[httpx2.Response] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _running: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Posters":
        self._running = [threading.Thread(target=self._post) for _ in range(self.threads)]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._running:
            thread.join()
        assert kind is not None or not self.wrong, self.wrong

    def go_on(self, count: int) -> None:
        """Returns when so many more were acknowledged."""
        wanted = len(self.acknowledged) + count
        until(lambda: len(self.acknowledged) >= wanted or self.wrong)
        assert not self.wrong, self.wrong

    def refusals(self, count: int) -> list[httpx2.Response]:
        """So many more, as they come."""
        wanted = len(self.refused) + count
        until(lambda: len(self.refused) >= wanted)
        return self.refused[-count:]

    def _post(self) -> None:
        with httpx2.Client(base_url=self.hub.url, trust_env=False, timeout=60) as http:
            while not self._stop.is_set():
                said = claims(alert())
                ask = form_b(self.world.signed(said))
                while not self._stop.is_set():
                    answer = http.post(ask.path, content=ask.body, headers=ask.headers)
                    if answer.status_code == 202:
                        self.acknowledged.append(said["jti"])
                        break
                    if answer.status_code != 503 or int(answer.headers["retry-after"]) < 1:
                        self.wrong.append(answer.text)
                        return
                    self.refused.append(answer)
                    time.sleep(0.2)  # sooner than it was asked to: the tests are to be short
                time.sleep(self.pause_s)
