"""Which form a signed alert is posted in (protocol §4)."""

from broker.client.connection import Ask
from broker.client.signing import MAIN, Signed
from broker.trust import jws
from schemas.envelope import ENVELOPE_TYPE
from schemas.statement import ALERT_EVENT

PATH = "/v1/alerts"
STATEMENT_TYPE = "application/secevent+jwt"


def request_for(signed: Signed, longest_header: int, form: str | None = None) -> Ask:
    """The request, its bytes equal however often it is made; `form` is A, B or D, None for the leanest that fits.

    ValueError for a form that cannot hold this alert.
    """
    fits = {"B": not signed.parts and not signed.cosignatures, "A": _fits_a(signed, longest_header), "D": True}
    chosen = form or next(each for each in fits if fits[each])
    if not fits.get(chosen, False):
        raise ValueError(f"this alert cannot be posted in form {chosen}")
    if chosen == "B":
        return Ask("POST", PATH, content=signed.statement.encode(), headers={"Content-Type": STATEMENT_TYPE})
    if chosen == "A":
        return _form_a(signed)
    return Ask("POST", PATH, content=signed.envelope(), headers={"Content-Type": ENVELOPE_TYPE})


def _fits_a(signed: Signed, longest_header: int) -> bool:
    return signed.parts.keys() == {MAIN} and not signed.cosignatures and len(signed.statement) <= longest_header


def _form_a(signed: Signed) -> Ask:
    main = signed.parts[MAIN]
    [described] = signed.claims["events"][ALERT_EVENT]["parts"]
    headers = {
        "Alert-Statement": signed.statement,
        "Alert-Salt": main.salt,
        "Content-Type": described["type"],
    }
    return Ask("POST", PATH, content=jws.decode(main.data), headers=headers)
