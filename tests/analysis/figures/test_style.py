"""Colours and lines: nothing rests on colour alone, on light paper or on dark."""

import itertools

import matplotlib as mpl
import pytest

from analysis.errors import NotApplicableError
from analysis.figures import style as look
from engine.activations import ACTIVATIONS
from engine.schedules import SCHEDULES

PALETTES = {
    name: value
    for name, value in vars(look).items()
    if isinstance(value, dict) and all(isinstance(entry, look.Look) for entry in value.values())
}


def test_the_palettes_are_found():
    assert PALETTES.keys() >= {"SPLITS", "ACTIVATIONS", "SWITCH", "DECAYS", "LEVELS", "MODELS"}


def lightness(color):
    r, g, b = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.2126 * r**2.2 + 0.7152 * g**2.2 + 0.0722 * b**2.2


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_any_two_of_a_palette_can_be_told_apart_in_grey(palette):
    for a, b in itertools.combinations(palette.values(), 2):
        dark, light = sorted((lightness(a.color), lightness(b.color)))
        assert light > 1.15 * dark
        assert a.marker != b.marker


@pytest.mark.parametrize("name", sorted(PALETTES.keys() - {"MODELS"}))  # which are drawn as points
def test_what_is_drawn_as_lines_has_lines_of_its_own(name):
    palette = PALETTES[name]
    assert len({entry.line for entry in palette.values()}) == len(palette)


def test_every_colour_has_a_lighter_one_for_a_dark_page():
    used = [entry.color for palette in PALETTES.values() for entry in palette.values()] + [look.ELSEWHERE.color]
    assert {color.lower() for color in used} == set(look.ON_DARK)
    assert all(lightness(dark) > lightness(light) for light, dark in look.ON_DARK.items())


@pytest.mark.parametrize(("palette", "words"), [(look.ACTIVATIONS, ACTIVATIONS), (look.DECAYS, SCHEDULES)])
def test_every_word_has_its_look(palette, words):
    assert set(palette) == set(words)


def test_a_level_looks_the_same_beside_any_other():
    two, four = (look.looks("decay", levels) for levels in (("constant", "cosine"), tuple(SCHEDULES)))
    for level in two:
        assert (two[level].color, two[level].line) == (four[level].color, four[level].line)
    assert [entry.label for entry in two.values()] == ["without decay", "with decay"]
    assert [entry.label for entry in look.looks("hidden_size", (4, 16)).values()] == ["4", "16"]


@pytest.mark.parametrize(("factor", "level"), [("activation", "unheard-of"), ("decay", "unheard-of")])
def test_an_unknown_level_raises_by_name(factor, level):
    with pytest.raises(NotApplicableError, match=f"{factor} must be one of .* but got unheard-of"):
        look.looks(factor, (level,))


def test_settings_are_as_before_after_drawing():
    before = dict(mpl.rcParams)
    with look.style():
        assert dict(mpl.rcParams) != before
    assert dict(mpl.rcParams) == before
