"""Figures are computed, then drawn and written, the same twice, or left out with a reason."""

import dataclasses
import inspect

import pytest

from analysis.figures.drawing import FILE_NAMES, NAMES, compute, draw, draw_all, svg
from analysis.figures.style import style


@pytest.fixture(scope="module")
def drawn(synthetic_database, tmp_path_factory):
    return draw_all(synthetic_database, tmp_path_factory.mktemp("figures"))


def test_draw_all_writes_three_files_for_every_figure(drawn):
    assert [result.name for result in drawn if result.drawn] == list(NAMES)
    for result in drawn:
        assert [path.suffix for path in result.files] == [".svg", ".png", ".csv"]
        assert all(path.stat().st_size > 100 for path in result.files)
        assert result.caption.endswith(".")


def test_every_figure_but_the_computed_one_names_its_runs(drawn, tables):
    known = set(tables.runs["run_id"])
    for result in drawn:
        assert bool(result.run_ids) == (result.name != "momentum_bowl")
        assert set(result.run_ids) <= known


@pytest.mark.parametrize("name", ["linear_accuracy", "linear_against_mlp", "paired"])
def test_a_figure_computes_and_draws_apart(name):
    source = inspect.getsource(__import__(f"analysis.figures.{name}", fromlist=["x"]))
    assert "pyplot" not in source


def test_a_drawing_is_the_same_twice(tables):
    result = compute("decay_effect", tables)
    with style():
        assert svg(draw(result)) == svg(draw(result))


def test_from_one_study_the_others_are_left_out_with_their_command(digits_database, tmp_path):
    results = {result.name: result for result in draw_all(digits_database, tmp_path)}
    assert sorted(name for name, result in results.items() if result.drawn) == [
        "component_chain",
        "decay_effect",
        "grid_effects",
        "linear_accuracy",
        "linear_curves",
        "momentum_bowl",
        "momentum_effect",
    ]
    assert results["hidden_size"].command == "make ofat DATASET=digits"
    assert results["expected_best"].command == "make mlp-random N=50 DATASET=digits"
    assert not (tmp_path / f"{FILE_NAMES['hidden_size']}.svg").exists()


def test_figures_stay_drawable_with_one_run_per_level(tables, tmp_path):
    single = tables.runs[(tables.runs["replicate"] == 0)]
    for name in ("hidden_size", "one_factor", "activation_curves", "confirmation"):
        result = compute(name, dataclasses.replace(tables, runs=single))
        assert result.drawn
        with style():
            svg(draw(result))
