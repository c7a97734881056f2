"""Whether two lists of areas touch. In doubt they do: a warning too many is better than one too few.

Codes are compared with codes of their own kind; shapes with shapes, by boxes that enclose them. A code and a shape
cannot be compared without boundaries, which are an operator's to supply, so they count as touching.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from schemas.areas import Area, CircleArea, GeocodeArea, IsoArea, PolygonArea

KM_A_DEGREE = 111.195
"""Of latitude, on a sphere of the Earth's mean radius (6,371 km)."""


class Box(NamedTuple):
    """Encloses a shape, in degrees; `east` may exceed 180 where the shape crosses the antimeridian."""

    south: float
    west: float
    north: float
    east: float


def touch(asked: Sequence[Area], stated: Sequence[Area]) -> bool:
    """Whether any of one list may touch any of the other; an alert without areas touches all (protocol §6)."""
    if not stated:
        return True
    ones, others = [(area, box(area)) for area in asked], [(area, box(area)) for area in stated]
    return any(_touch(*one, *other) for one in ones for other in others)


def _touch(one: Area, box_of_one: Box | None, other: Area, box_of_other: Box | None) -> bool:
    if isinstance(one, IsoArea) and isinstance(other, IsoArea):
        return _below(one.iso, other.iso) or _below(other.iso, one.iso)
    if isinstance(one, GeocodeArea) and isinstance(other, GeocodeArea):
        same_system = one.geocode.system == other.geocode.system
        return not same_system or one.geocode.value == other.geocode.value
    if box_of_one is None or box_of_other is None:
        return True
    return _overlap(box_of_one, box_of_other)


def _below(code: str, wider: str) -> bool:
    return code == wider or code.startswith(wider + "-")


def box(area: Area) -> Box | None:
    """The box around a shape; None for codes."""
    if isinstance(area, CircleArea):
        return _around_circle(*area.circle)
    if isinstance(area, PolygonArea):
        return _around_points([(float(lat), float(lon)) for lat, lon in area.polygon])
    return None


def _around_circle(latitude: float, longitude: float, radius_km: float) -> Box:
    height = radius_km / KM_A_DEGREE
    south, north = latitude - height, latitude + height
    if south <= -90 or north >= 90:  # over a pole: every longitude
        return Box(max(south, -90.0), -180.0, min(north, 90.0), 180.0)
    width = math.degrees(math.asin(min(1.0, math.sin(math.radians(height)) / math.cos(math.radians(latitude)))))
    return Box(south, longitude - width, north, longitude + width)


def _around_points(points: list[tuple[float, float]]) -> Box:
    latitudes = [latitude for latitude, _ in points]
    west, east = _longitudes([longitude for _, longitude in points])
    return Box(min(latitudes), west, max(latitudes), east)


def _longitudes(longitudes: list[float]) -> tuple[float, float]:
    """Edges take the shorter way round, so longitudes are unrolled before their extremes are taken."""
    unrolled = [longitudes[0]]
    for longitude in longitudes[1:]:
        step = (longitude - unrolled[-1] + 180.0) % 360.0 - 180.0
        unrolled.append(unrolled[-1] + step)
    return (-180.0, 180.0) if max(unrolled) - min(unrolled) >= 360.0 else (min(unrolled), max(unrolled))


def _overlap(one: Box, other: Box) -> bool:
    if one.south > other.north or other.south > one.north:
        return False
    return any(
        one.west + turn <= other.east and other.west <= one.east + turn for turn in (-720.0, -360.0, 0.0, 360.0, 720.0)
    )
