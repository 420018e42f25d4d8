"""Colours and lines."""

from analysis.figures.style import SPLITS


def test_colours_differ_in_lightness():
    def lightness(color):
        r, g, b = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return 0.2126 * r**2.2 + 0.7152 * g**2.2 + 0.0722 * b**2.2

    values = sorted(lightness(look.color) for look in SPLITS.values())
    assert len({look.line for look in SPLITS.values()}) == len(SPLITS)
    assert values[-1] > 1.5 * values[0]
