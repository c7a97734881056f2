"""Parses a CAP document as if it came from an enemy: no DTD, no entities, no network, and bounds on size and depth."""

from collections.abc import Iterator, Sequence
from typing import Final

from lxml import etree

NAMESPACES: Final = ("urn:oasis:names:tc:emergency:cap:1.2", "urn:oasis:names:tc:emergency:cap:1.1")
SIZE: Final = 16 * 2**20
"""Bytes; the hub's own limit for a part is usually far lower."""
DEPTH: Final = 32
ELEMENTS: Final = 20_000
"""Of one document; those that warn a whole country have some hundreds."""
FINDINGS: Final = 50
"""How many departures from the standard are told for one document."""


class CapUnreadable(Exception):  # noqa: N818 - what the document is, not an error of ours
    """Not a CAP alert that can be understood safely. The message says why, without content."""


class Findings:
    """Collects, in order, what departs from the standard; never content."""

    def __init__(self) -> None:
        self._told: dict[str, None] = {}

    def add(self, finding: str) -> None:
        """Told once, however often it occurs."""
        if len(self._told) < FINDINGS:
            self._told.setdefault(finding)

    def all(self) -> tuple[str, ...]:
        """What was found."""
        return tuple(self._told)


def parse(data: bytes) -> etree._Element:
    """The `alert` element. CapUnreadable for anything that is no CAP 1.1 or 1.2, or that asks to be expanded."""
    if len(data) > SIZE:
        raise CapUnreadable(f"more than {SIZE} bytes")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise CapUnreadable("not well-formed XML") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise CapUnreadable("a document type declaration")
    _check_bounds(root)
    if root.tag not in {f"{{{namespace}}}alert" for namespace in NAMESPACES}:
        raise CapUnreadable("no alert element of CAP 1.1 or 1.2")
    return root


def _check_bounds(root: etree._Element) -> None:
    depth = elements = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        elements += event == "start"
        if depth > DEPTH:
            raise CapUnreadable(f"nested deeper than {DEPTH}")
        if elements > ELEMENTS:
            raise CapUnreadable(f"more than {ELEMENTS} elements")


def children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """The children of that name in the same namespace."""
    return element.iterchildren(f"{{{etree.QName(element).namespace}}}{name}")


def text_of(element: etree._Element, name: str) -> str | None:
    """The text of the first child of that name, without the white space around it; None where there is none."""
    child = next(children(element, name), None)
    if child is None:
        return None
    return (child.text or "").strip() or None


def only_text_of(element: etree._Element, name: str) -> str | None:
    """As `text_of`, of what must agree with a statement: CapUnreadable where readers could take another text for it."""
    found = list(children(element, name))
    if len(found) > 1:
        raise CapUnreadable(f"more than one {name}")
    if found and len(found[0]):
        raise CapUnreadable(f"elements within {name}")
    return text_of(element, name)


def check_members(element: etree._Element, order: Sequence[str], where: str, findings: Findings) -> None:
    """Tells of children that the standard does not know, or not in that order. Other namespaces are let be."""
    namespace = etree.QName(element).namespace
    latest = 0
    for child in element.iterchildren(tag=etree.Element):
        name = etree.QName(child)
        if name.namespace != namespace:
            continue
        if name.localname not in order:
            findings.add(f"{where} has an element that the standard does not know")
        elif order.index(name.localname) < latest:
            findings.add(f"{where} has its elements in another order")
        else:
            latest = order.index(name.localname)
