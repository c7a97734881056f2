"""What is known here of the alerts that a statement references: who may answer, update or recall what hangs by it."""

from collections.abc import Iterable, Mapping

from broker.policy.mandate import Known
from broker.ports.alert_log import AlertLog
from broker.ports.dossiers import Dossiers


async def known_alerts(log: AlertLog, dossiers: Dossiers, references: Iterable[str]) -> Mapping[str, Known]:
    """Those that are in the log; what is not there is not known."""
    return {id_: known for id_ in references if (known := await _known(log, dossiers, id_))}


async def _known(log: AlertLog, dossiers: Dossiers, id_: str) -> Known | None:
    alert = await log.find(id_)
    if alert is None:
        return None
    given = frozenset(given.agency for given in await dossiers.given(id_))
    about = await log.find(alert.label.references[0]) if alert.label.references else None
    standing = await dossiers.standing(id_)
    return Known(
        alert.label,
        given,
        about.label if about else None,
        approved=bool(standing.approved_by),
        ended=standing.ended,
    )
