"""The areas of a CAP document, as areas of a statement: each place once, with its names in all languages."""

from lxml import etree
from pydantic import TypeAdapter, ValidationError

from schemas import limits
from schemas.areas import Area
from schemas.cap_xml import Findings, check_members, children, text_of

_ORDER = ("areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling")
_ISO_SYSTEMS = frozenset({"ISO 3166-2", "ISO3166-2", "ISO 3166-1", "ISO3166-1"})
_POINT_KM = 0.001
_AREA: TypeAdapter[Area] = TypeAdapter(Area)

Shape = tuple[str, object]
"""The member of an area and its value, in hashable form."""


class AreaUnion:
    """Gathers areas over all infos; several languages of one place become one area with several names."""

    def __init__(self, findings: Findings) -> None:
        self._names: dict[Shape, dict[str, str]] = {}
        self._findings = findings

    def add(self, area: etree._Element, language: str) -> None:
        """Takes in one `area` element of an info in that language."""
        check_members(area, _ORDER, "an area", self._findings)
        name = text_of(area, "areaDesc")
        shapes = [*self._polygons(area), *self._circles(area), *self._geocodes(area)]
        if not shapes:
            self._findings.add("an area is told in words alone")
        for shape in shapes:
            names = self._names.setdefault(shape, {})
            if name and len(name) <= limits.HEADLINE:
                names.setdefault(language, name)

    def areas(self) -> tuple[Area, ...]:
        """All that can stand in a statement; what cannot is a finding."""
        found = [area for shape, names in self._names.items() if (area := self._area(shape, names)) is not None]
        if len(found) > limits.AREAS:
            self._findings.add(f"more than {limits.AREAS} areas: the rest is left out")
        return tuple(found[: limits.AREAS])

    def _area(self, shape: Shape, names: dict[str, str]) -> Area | None:
        member, value = shape
        if member == "geocode" and isinstance(value, tuple):
            value = {"system": value[0], "value": value[1]}
        stated: dict[str, object] = {member: value}
        if names:
            stated["name"] = names
        try:
            return _AREA.validate_python(stated)
        except ValidationError:
            self._findings.add(f"an area has a {member} that is none, and is left out")
            return None

    def _polygons(self, area: etree._Element) -> list[Shape]:
        shapes: list[Shape] = []
        for element in children(area, "polygon"):
            points = tuple(_numbers(pair) for pair in (element.text or "").split())
            if points and points[0] != points[-1]:
                self._findings.add("a polygon is not closed: closed here")
                points = (*points, points[0])
            shapes.append(("polygon", points))
        return shapes

    def _circles(self, area: etree._Element) -> list[Shape]:
        shapes: list[Shape] = []
        for element in children(area, "circle"):
            centre, _, radius = (element.text or "").strip().partition(" ")
            numbers = (*_numbers(centre), *_numbers(radius.strip()))
            if len(numbers) == 3 and numbers[2] == 0:
                self._findings.add("a circle has no radius: a metre here")
                numbers = (*numbers[:2], _POINT_KM)
            shapes.append(("circle", numbers))
        return shapes

    def _geocodes(self, area: etree._Element) -> list[Shape]:
        shapes: list[Shape] = []
        for element in children(area, "geocode"):
            system, value = text_of(element, "valueName"), text_of(element, "value")
            if system is None or value is None:
                self._findings.add("a geocode lacks its valueName or value")
            elif system in _ISO_SYSTEMS:
                shapes.append(("iso", value))
            else:
                shapes.append(("geocode", (system, value)))
        return shapes


def _numbers(text: str) -> tuple[float, ...]:
    """The numbers of `20.9,106.9`; none at all where one is no number, so that the shape is refused."""
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        return ()
