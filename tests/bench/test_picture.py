from xml.etree import ElementTree as Xml

import pytest

from bench.picture import picture
from bench.timing import Result, Results, Row

SVG = "{http://www.w3.org/2000/svg}"


def found(floor: float | None = 1.0, ours: float = 2.0, condition: str = "20 ms") -> Results:
    rows = [Row(machines, condition, "status") for machines in (10, 50)]
    return {row: {"floor": Result(floor, 1, 0), "sshfleet": Result(ours, 1, 0)} for row in rows}


def parsed(text: str) -> Xml.Element:
    return Xml.fromstring(text)  # noqa: S314 - drawn by ourselves


def dots(text: str) -> dict[str, float]:
    circles = parsed(text).iter(f"{SVG}circle")
    named = ((circle.findtext(f"{SVG}title"), circle) for circle in circles)
    return {name: float(circle.attrib["cx"]) for name, circle in named if name}


@pytest.mark.parametrize(
    "results", [{}, found(), found(floor=None), found(ours=0.001), found(condition='<&"')]
)
def test_the_picture_is_xml_whatever_was_found(results: Results) -> None:
    assert parsed(picture(results, ["floor", "sshfleet", "<me>"])).tag == f"{SVG}svg"


def test_one_row_for_the_most_machines_with_a_dot_for_each_contestant() -> None:
    drawn = picture(found(), ["floor", "sshfleet"])
    assert list(dots(drawn)) == ["floor: ×1.00", "sshfleet: ×2.00"]
    assert "50 machines" in drawn
    assert "10 machines" not in drawn


def test_ten_times_as_long_is_one_decade_further() -> None:
    near, middle = dots(picture(found(ours=10), [])).values()
    *_, far = dots(picture(found(ours=100), [])).values()
    assert middle > near
    assert far == pytest.approx(middle)  # the scale ends with the last decade
    *_, half = dots(picture(found(ours=10**0.5), [])).values()
    assert half - near == pytest.approx((middle - near) / 2, abs=0.2)


def test_who_has_no_time_has_no_dot() -> None:
    assert dots(picture(found(floor=None), [])) == {}
