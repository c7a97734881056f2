"""Where: ISO codes, polygons, circles and geocodes (protocol §2). Latitude before longitude, WGS 84."""

from typing import Annotated, Any, Final

from annotated_types import MaxLen, MinLen
from pydantic import AfterValidator, Field

from schemas import limits
from schemas.base import Choice, IsoCode, Many, Strict, Text, Words, branch, expected

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
RadiusKm = Annotated[float, Field(gt=0, le=limits.RADIUS_KM)]

Point = Annotated[tuple[Latitude, Longitude], Field(strict=False)]
Circle = Annotated[tuple[Latitude, Longitude, RadiusKm], Field(strict=False)]


def _closed(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if points[0] != points[-1]:
        raise expected("the first point again, to close the polygon", len(points) - 1)
    return points


Ring = Annotated[Many[Point], MinLen(4), MaxLen(limits.POLYGON_POINTS), AfterValidator(_closed)]
"""At least three corners and the first of them again."""


class IsoArea(Strict):
    """A country or a subdivision of one."""

    iso: IsoCode
    name: Words | None = None


class PolygonArea(Strict):
    """A closed ring of points."""

    polygon: Ring
    name: Words | None = None


class CircleArea(Strict):
    """A point and a radius in kilometres."""

    circle: Circle
    name: Words | None = None


class Geocode(Strict):
    """A place in a list that others keep: which list, and the code there."""

    system: Text
    value: Text


class GeocodeArea(Strict):
    """A place by its code in a list that others keep."""

    geocode: Geocode
    name: Words | None = None


_FORMS: Final[dict[type[Any], str]] = {
    IsoArea: "iso",
    PolygonArea: "polygon",
    CircleArea: "circle",
    GeocodeArea: "geocode",
}


def _form(area: Any) -> str | None:
    """Which of the four an area is, by the first member that tells."""
    if isinstance(area, dict):
        return next((name for name in _FORMS.values() if name in area), None)
    return _FORMS.get(type(area))


Area = Annotated[
    Annotated[IsoArea, branch("iso")]
    | Annotated[PolygonArea, branch("polygon")]
    | Annotated[CircleArea, branch("circle")]
    | Annotated[GeocodeArea, branch("geocode")],
    Choice(_form, "an area with one of iso, polygon, circle, geocode"),
]
"""Exactly one of the four."""

Areas = Annotated[Many[Area], MaxLen(limits.AREAS)]
