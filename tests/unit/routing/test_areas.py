"""Whether areas touch. In doubt they do; what really overlaps is never missed, over poles and date line alike."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from broker.routing import areas
from broker.routing.areas import box, placed
from schemas.areas import Area, CircleArea, PolygonArea

READ: TypeAdapter[Any] = TypeAdapter(Area)
EARTH_KM = 6371.0

LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)
POINTS = st.tuples(LATITUDES, LONGITUDES)
CIRCLES = st.builds(
    lambda point, radius: READ.validate_python({"circle": [*point, radius]}), POINTS, st.floats(0.1, 2000)
)
POLYGONS = st.lists(POINTS, min_size=3, max_size=6).map(
    lambda points: READ.validate_python({"polygon": [*points, points[0]]})
)
CODES = st.sampled_from(["VN", "VN-13", "VN-14", "TH", "TH-10"]).map(lambda code: READ.validate_python({"iso": code}))
PLACES = st.builds(
    lambda system, value: READ.validate_python({"geocode": {"system": system, "value": value}}),
    st.sampled_from(["GSO", "SAME"]),
    st.sampled_from(["22", "23"]),
)
ANY = CIRCLES | POLYGONS | CODES | PLACES


def touch(asked: list[Any], stated: list[Any]) -> bool:
    """Whether one list touches the other, each placed first."""
    return areas.touch(placed(asked), placed(stated))


def area(**members: Any) -> Any:
    """An area of one form."""
    return READ.validate_python(members)


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Along the great circle (haversine)."""
    (lat1, lon1), (lat2, lon2) = ((math.radians(x), math.radians(y)) for x, y in (one, other))
    inner = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(inner)))


@given(one=ANY, other=ANY)
def test_touching_is_mutual(one: Any, other: Any) -> None:
    """Whichever of two is asked for, the answer is the same; and every area touches itself."""
    assert touch([one], [other]) == touch([other], [one])
    assert touch([one], [one])


@given(asked=st.lists(ANY, min_size=1, max_size=3), stated=st.lists(ANY, min_size=1, max_size=3))
def test_lists_touch_where_any_two_do(asked: list[Any], stated: list[Any]) -> None:
    """Lists touch exactly where one of each does; an alert without areas touches all."""
    assert touch(asked, stated) == any(touch([one], [other]) for one in asked for other in stated)
    assert touch(asked, [])


def test_each_shape_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are on the other side: a polygon has thousands of points, and a list hundreds of shapes."""
    measured: list[Any] = []

    def counted(area: Any) -> Any:
        measured.append(area)
        return box(area)

    monkeypatch.setattr("broker.routing.areas.box", counted)
    asked = [CircleArea(circle=(0.0, float(east), 1.0)) for east in range(20)]
    stated = [CircleArea(circle=(80.0, float(east), 1.0)) for east in range(30)]
    assert not touch(asked, stated)
    assert len(measured) == len(asked) + len(stated)


@given(one=CIRCLES, bearing=st.floats(0, 2 * math.pi), share=st.floats(0, 0.99), radius=st.floats(0.1, 2000))
def test_overlapping_circles_touch(one: CircleArea, bearing: float, share: float, radius: float) -> None:
    """Circles whose centres lie nearer than their radii together touch, whatever lies between: pole or date line."""
    latitude, longitude, own = one.circle
    away = share * (own + radius) / EARTH_KM
    phi, lam = math.radians(latitude), math.radians(longitude)
    sine = math.sin(phi) * math.cos(away) + math.cos(phi) * math.sin(away) * math.cos(bearing)
    to_phi = math.asin(max(-1.0, min(1.0, sine)))
    to_lam = lam + math.atan2(
        math.sin(bearing) * math.sin(away) * math.cos(phi), math.cos(away) - math.sin(phi) * math.sin(to_phi)
    )
    centre = (math.degrees(to_phi), (math.degrees(to_lam) + 180) % 360 - 180)
    if distance_km((latitude, longitude), centre) < (own + radius) * 0.999:
        assert touch([one], [area(circle=[*centre, radius])])


@given(polygon=POLYGONS, corner=st.integers(0, 5), radius=st.floats(0.1, 500))
def test_a_circle_around_a_corner_touches(polygon: PolygonArea, corner: int, radius: float) -> None:
    """A circle around a polygon's corner touches it."""
    point = polygon.polygon[corner % (len(polygon.polygon) - 1)]
    assert touch([polygon], [area(circle=[*point, radius])])


@given(shape=CIRCLES | POLYGONS, code=CODES | PLACES)
def test_in_doubt_they_touch(shape: Any, code: Any) -> None:
    """A shape and a code cannot be compared without boundaries, so they touch; a code has no box."""
    assert touch([shape], [code])
    assert box(code) is None
    assert box(shape) is not None


@pytest.mark.parametrize(
    ("one", "other", "touching"),
    [
        ({"iso": "VN"}, {"iso": "VN-13"}, True),
        ({"iso": "VN-13"}, {"iso": "VN-14"}, False),
        ({"iso": "VN"}, {"iso": "TH"}, False),
        ({"iso": "VN-1"}, {"iso": "VN-13"}, False),
        ({"geocode": {"system": "GSO", "value": "22"}}, {"geocode": {"system": "GSO", "value": "23"}}, False),
        ({"geocode": {"system": "GSO", "value": "22"}}, {"geocode": {"system": "SAME", "value": "23"}}, True),
        ({"iso": "VN"}, {"geocode": {"system": "GSO", "value": "22"}}, True),
        ({"circle": [21.0, 105.8, 10]}, {"circle": [10.8, 106.7, 10]}, False),
        ({"circle": [21.0, 105.8, 10]}, {"circle": [21.0, 106.1, 10]}, False),
        ({"circle": [21.0, 105.8, 20]}, {"circle": [21.0, 106.1, 20]}, True),
        ({"circle": [0.0, 179.9, 50]}, {"circle": [0.0, -179.9, 50]}, True),
        ({"circle": [0.0, 179.0, 50]}, {"circle": [0.0, -179.0, 50]}, False),
        ({"circle": [89.9, 0.0, 50]}, {"circle": [89.9, 180.0, 50]}, True),
        ({"circle": [-89.9, 0.0, 50]}, {"circle": [-89.9, 90.0, 50]}, True),
        ({"circle": [-89.9, 0.0, 50]}, {"circle": [89.9, 0.0, 50]}, False),
        (
            {"polygon": [[-1, 179], [1, 179], [1, -179], [-1, -179], [-1, 179]]},
            {"circle": [0.0, 180.0, 1]},
            True,
        ),
        (
            {"polygon": [[-1, 179], [1, 179], [1, -179], [-1, -179], [-1, 179]]},
            {"circle": [0.0, 0.0, 1]},
            False,
        ),
        (
            {"polygon": [[60, 0], [60, 120], [60, -120], [60, 0]]},
            {"circle": [60.0, -60.0, 1]},
            True,
        ),
    ],
    ids=str,
)
def test_touch(one: dict[str, Any], other: dict[str, Any], touching: bool) -> None:
    """Codes by what lies below them, geocodes within their system, shapes by boxes that cross the date line."""
    assert touch([area(**one)], [area(**other)]) is touching
