"""The digit is found whatever else a picture holds, put where the data set has it, and doubted where it is none."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from search.ink import find_digit
from search.pictures import ImageError, as_input


def strokes(side, points, width):
    image = Image.new("L", (side, side), 0)
    ImageDraw.Draw(image).line([(x * side, y * side) for x, y in points], fill=255, width=width, joint="curve")
    return np.asarray(image, np.float32) / 255


def a_four(side, at=0.3, size=0.4):
    points = np.array([(0.6, 0), (0, 0.7), (1, 0.7), (0.7, 0.7), (0.7, 0.3), (0.7, 1)])
    return strokes(side, at + size * points, max(2, side // 16))


def seen(gray):
    return as_input(gray.astype(np.float32), 784, "mnist").pixels.reshape(28, 28)


def centre_of_mass(square):
    return [float((axis * square).sum() / square.sum()) for axis in np.indices(square.shape)]


def distance(found, wanted):
    """Mean difference of pixels; where the centre of mass lies between two pixels, either may be the middle."""
    near = [np.roll(found, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return min(np.abs(shifted - wanted).mean() for shifted in near)


def framed(gray):
    side = gray.shape[0]
    out, line = gray.copy(), max(1, side // 60)
    for place in (side // 25, side - side // 25 - line):
        out[place : place + line, side // 25 : -(side // 25)] = 1
        out[side // 25 : -(side // 25), place : place + line] = 1
    return out


def specked(gray):
    out, size = gray.copy(), max(1, gray.shape[0] // 40)
    out[1 : 1 + size, -size - 1 : -1] = 1
    return out


def ruled(gray):
    out = gray.copy()
    out[-gray.shape[0] // 12 :][: max(1, gray.shape[0] // 60)] = 1
    return out


def noisy(gray):
    random = np.random.default_rng(3)
    soft = 0.1 + 0.8 * gray + random.normal(0, 0.06, gray.shape)
    return np.where(random.random(gray.shape) < 0.01, 1, soft).clip(0, 1)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("side", [60, 200, 600])
@pytest.mark.parametrize("spoil", [framed, specked, ruled, noisy])
def test_what_is_beside_a_digit_changes_nothing_of_what_the_network_sees(spoil, side, dark):
    clean, spoilt = a_four(side), spoil(a_four(side))
    assert distance(seen(1 - spoilt if dark else spoilt), seen(clean)) < 0.04


@pytest.mark.parametrize(("at", "size"), [(0.05, 0.35), (0.45, 0.5), (0.1, 0.8)])
def test_a_digit_is_put_in_the_same_place_from_a_picture_of_any_size(at, size):
    for side in (28, 29, 112):
        assert centre_of_mass(seen(a_four(side, at, size))) == pytest.approx([14, 14], abs=0.51)


def test_what_has_the_form_of_the_data_set_stays_as_it_is():
    square = seen(a_four(200))
    np.testing.assert_array_equal(seen(square), square)
    shifted = np.roll(square, 4, axis=1)
    assert distance(seen(shifted), square) < 0.06 < distance(shifted, square)


def test_a_broken_stroke_stays():
    broken = a_four(200)
    broken[112:118] = 0
    assert not as_input(broken, 784, "mnist").doubts
    assert distance(seen(broken), seen(a_four(200))) < 0.06


def doubts(gray):
    return " ".join(as_input(gray.astype(np.float32), 784, "mnist").doubts)


def test_what_is_no_digit_is_doubted():
    assert doubts(a_four(120)) == ""
    two = np.concatenate([a_four(120), a_four(120)], axis=1)
    assert "more than one" in doubts(two)
    filled = np.zeros((100, 100))
    filled[20:80, 25:75] = 1
    assert "filled" in doubts(filled)
    wide = np.zeros((100, 100))
    wide[40:60, 10:90] = a_four(80, 0.1, 0.8)[::4]
    assert "wider" in doubts(wide)
    tiny = np.zeros((100, 100))
    tiny[40:46, 40:42] = 1
    assert "only 6 pixels" in doubts(tiny)
    assert "scattered" in doubts(np.random.default_rng(0).random((100, 100)))
    lattice = np.zeros((100, 100))
    lattice[25:75:12, 25:74] = lattice[25:74, 25:75:12] = 1
    assert "holes" in doubts(lattice)
    with pytest.raises(ImageError, match="all alike"):
        as_input(np.full((40, 40), 0.5, np.float32), 784, "mnist")


def test_a_round_digit_that_fills_the_picture_is_no_frame():
    image = Image.new("L", (90, 90), 0)
    ImageDraw.Draw(image).ellipse([2, 2, 87, 87], outline=255, width=10)
    found = find_digit(np.asarray(image, np.float32) / 255)
    assert found is not None
    assert found.left_out == ()
    assert min(found.levels.shape) >= 84


def test_what_the_network_sees_can_be_shown():
    lines = as_input(a_four(100), 784, "mnist").as_text().split("\n")
    assert len(lines) == 28
    assert not lines[0]
    assert max(map(len, lines)) <= 56
    assert any("@@" in line for line in lines)
