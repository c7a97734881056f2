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


class Placed(NamedTuple):
    """An area with its box, which takes long to work out of many points and is worked out once."""

    area: Area
    box: Box | None


def placed(areas: Sequence[Area]) -> tuple[Placed, ...]:
    """The areas with their boxes."""
    return tuple(Placed(area, box(area)) for area in areas)


def touch(asked: Sequence[Placed], stated: Sequence[Placed]) -> bool:
    """Whether any of one list may touch any of the other; an alert without areas touches all (protocol §6)."""
    return not stated or any(_touch(one, other) for one in asked for other in stated)


def _touch(one: Placed, other: Placed) -> bool:
    if isinstance(one.area, IsoArea) and isinstance(other.area, IsoArea):
        return _below(one.area.iso, other.area.iso) or _below(other.area.iso, one.area.iso)
    if isinstance(one.area, GeocodeArea) and isinstance(other.area, GeocodeArea):
        same_system = one.area.geocode.system == other.area.geocode.system
        return not same_system or one.area.geocode.value == other.area.geocode.value
    if one.box is None or other.box is None:
        return True
    return _overlap(one.box, other.box)


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
