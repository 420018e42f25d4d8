import numpy as np
import pytest
from scipy import stats

from analysis.statistics.components import variance_components
from benchmarks.simulations import DESIGNS, components_coverage, crossed_runs


def test_components_are_those_of_an_analysis_of_variance_written_out():
    table = crossed_runs(DESIGNS[1], np.random.default_rng(5))
    found = variance_components(table.sample(frac=1, random_state=0), ["split", "initialisation", "order"], "value")
    fitted, expected = table["value"].mean(), {}
    means = {name: table.groupby(name)["value"].transform("mean") - fitted for name in table.columns[:3]}
    rest = ((table["value"] - fitted - sum(means.values())) ** 2).sum() / (64 - 1 - 9)
    for name, effect in means.items():
        expected[name] = ((effect**2).sum() / 3 - rest) / 16
    assert {source.name: source.raw for source in found.sources} == pytest.approx(expected | {"rest": rest})
    assert found.sources[-1].variance.n == 54
    # The rest alone is exact: χ² with 54 degrees of freedom.
    ends = 54 * rest / stats.chi2.ppf([0.975, 0.025], 54)
    assert (found.sources[-1].variance.low, found.sources[-1].variance.high) == pytest.approx(tuple(ends), rel=0.02)
    assert (found.n_runs, found.mean) == (64, pytest.approx(fitted))
    assert sum(source.share for source in found.sources) == pytest.approx(1)
    assert found == variance_components(table, ["split", "initialisation", "order"], "value")


def test_components_with_interactions_solve_the_expected_mean_squares():
    table = crossed_runs(DESIGNS[3], np.random.default_rng(1))
    cells = table["value"].to_numpy().reshape(5, 5, 2)
    means = cells.mean(axis=2)
    a, b = means.mean(axis=1, keepdims=True), means.mean(axis=0, keepdims=True)
    ms_rest = cells.var(axis=2, ddof=1).mean()
    ms_both = 2 * ((means - a - b + means.mean()) ** 2).sum() / 16
    found = variance_components(table, ["split", "order"], "value", interactions=True)
    assert [source.name for source in found.sources] == ["split", "order", "split × order", "rest"]
    assert [source.raw for source in found.sources] == pytest.approx(
        [a.var(ddof=1) - ms_both / 10, b.var(ddof=1) - ms_both / 10, (ms_both - ms_rest) / 2, ms_rest]
    )


def test_negative_estimate_is_0_with_an_upper_end_that_is_not():
    table = crossed_runs(DESIGNS[0], np.random.default_rng(0))
    # Every order has the same mean: less than the rest alone would make.
    table["value"] -= table.groupby("order")["value"].transform("mean")
    order = variance_components(table, ["split", "initialisation", "order"], "value").sources[2]
    assert order.raw < 0
    assert (order.variance.estimate, order.variance.low, order.share) == (0, 0, 0)
    assert order.deviation.estimate == 0
    table = crossed_runs(DESIGNS[0], np.random.default_rng(0))
    assert all(source.variance.high > 0 for source in variance_components(table, ["order"], "value").sources)


def test_components_refuse_a_design_that_does_not_tell_them_apart():
    table = crossed_runs(DESIGNS[0], np.random.default_rng(0))
    with pytest.raises(ValueError, match="all combinations of split, order must have as many runs, but got 3 to 4"):
        variance_components(table[1:], ["split", "order"], "value")
    with pytest.raises(ValueError, match="order must have at least two levels"):
        variance_components(table[table["order"] == 0], ["split", "order"], "value")
    one_run = table[table["initialisation"] == 0]
    with pytest.raises(ValueError, match="16 runs leave no degree of freedom for the rest beside split, order"):
        variance_components(one_run, ["split", "order"], "value", interactions=True)
    with pytest.raises(ValueError, match="some are missing"):
        variance_components(table.assign(value=np.nan), ["split"], "value")


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_intervals_of_components_cover_in_93_percent_of_studies_or_more(design):
    # 500 studies: two standard errors of a share of 0.95 are 0.02.
    assert all(covered >= 0.93 for covered, _ in components_coverage(design, 500).values())
