import numpy as np
import pytest

from analysis.statistics.two_way import two_way_accuracy, two_way_difference, wilson
from benchmarks.simulations import REALISTIC, SETTINGS, correctness, two_way_coverage


@pytest.fixture(scope="module")
def right():
    """Two pairs of configurations, five seeds, 360 images: shape (2, 2, 5, 360)."""
    return correctness(SETTINGS[2], 5, np.random.default_rng(3), n_cells=2)[0]


def test_variances_are_those_of_an_analysis_of_variance_written_out(right):
    D = right[0, 0].astype(float) - right[1, 0]
    S, n = D.shape
    seeds, images = D.mean(axis=1, keepdims=True), D.mean(axis=0, keepdims=True)
    rest = ((D - seeds - images + D.mean()) ** 2).sum() / ((S - 1) * (n - 1))
    found = two_way_difference(right[0, 0], right[1, 0])
    assert found.rest_variance == pytest.approx(rest)
    assert found.seed_variance == pytest.approx(max(seeds.var(ddof=1) - rest / n, 0))
    assert found.image_variance == pytest.approx(max(images.var(ddof=1) - rest / S, 0))
    assert found.these.error == pytest.approx(seeds.std(ddof=1) / np.sqrt(S))
    n_telling = np.count_nonzero(D.any(axis=0) & (images[0] != 0))
    expected = seeds.var(ddof=1) / S + found.image_variance / n * (n_telling + 2) / n_telling
    assert found.such.error == pytest.approx(np.sqrt(expected))
    assert 4 <= found.such.df <= 359


def test_packed_rows_and_cells_one_by_one_give_what_the_arrays_give(right):
    packed = np.packbits(right, axis=-1)
    found = two_way_difference(right[0], right[1])
    assert two_way_difference((cell for cell in packed[0]), list(packed[1]), n_images=360) == found
    assert two_way_accuracy(packed[0], n_images=360) == two_way_accuracy(right[0].astype(np.uint8))
    assert (found.n_cells, found.n_seeds, found.n_images) == (2, 5, 360)
    assert found.these.interval.estimate == pytest.approx(right[0].mean() - right[1].mean())
    # A cell given twice is no more data.
    assert (
        two_way_difference(right[0, [0, 0]], right[1, [0, 0]]).such == two_way_difference(right[0, 0], right[1, 0]).such
    )


def test_p_values_agree_with_intervals():
    rng = np.random.default_rng(0)
    for _ in range(40):
        right = correctness(SETTINGS[4], 4, rng)[0][:, 0]
        difference = two_way_difference(right[0], right[1])
        accuracy = two_way_accuracy(right[0], null=0.8)
        for scope, null in ((difference.these, 0), (difference.such, 0), (accuracy.such, 0.8)):
            assert (scope.p < 0.05) == (not scope.interval.low <= null <= scope.interval.high)
        assert difference.such.interval.low <= difference.these.interval.low


def test_one_seed_knows_images_alone(right):
    found = two_way_difference(right[0, 0, :1], right[1, 0, :1])
    assert not found.these.interval.known
    assert found.these.p == 1
    assert found.such.interval.method == "examples alone, from one seed"
    assert found.such.interval.n == 360
    only_a, only_b = (right[0, 0, 0] > right[1, 0, 0]).sum(), (right[0, 0, 0] < right[1, 0, 0]).sum()
    # Bonett and Price: one image more each way.
    assert found.such.error == pytest.approx(np.sqrt((only_a + only_b + 2) / 360**2), rel=0.02)


def test_agreement_on_every_image_is_not_certainty():
    a = np.ones((3, 40), dtype=bool)
    difference, accuracy = two_way_difference(a, a), two_way_accuracy(a, null=0.9)
    assert difference.such.interval.high == pytest.approx(0.1, abs=0.03)  # two images of 40 one way: 0.05 ± 0.05
    assert difference.such.p == difference.these.p == 1
    assert (accuracy.such.interval.low, accuracy.such.interval.high) == pytest.approx(wilson(1.0, 40), abs=0.01)
    assert 0.03 < accuracy.such.p < 0.06


def test_two_way_refuses_what_is_not_correctness():
    with pytest.raises(ValueError, match="must be 0 and 1, but got uint8 from 0 to 2"):
        two_way_accuracy(np.array([[0, 1, 2]], dtype=np.uint8))
    with pytest.raises(ValueError, match="9 images must be packed in 2 bytes, but got 1 of uint8"):
        two_way_accuracy(np.zeros((2, 1), dtype=np.uint8), n_images=9)
    with pytest.raises(ValueError, match="same seeds and images, but got"):
        two_way_difference(np.ones((2, 9), dtype=bool), np.ones((3, 9), dtype=bool))
    with pytest.raises(ValueError, match="at least one seed"):
        two_way_accuracy(iter(()))


KEYS = ("these", "such", "level these", "level such")


def test_two_way_intervals_cover_few_images_and_seeds():
    found = two_way_coverage(SETTINGS[4], 3, 300)
    # 300 studies: three standard errors of a share of 0.95 are 0.038.
    assert all(found[key] >= 0.92 for key in KEYS), found


@pytest.mark.slow
@pytest.mark.parametrize("n_seeds", [2, 5, 10])
@pytest.mark.parametrize("images", [REALISTIC, SETTINGS[2], SETTINGS[4]], ids=lambda images: images.name)
def test_two_way_intervals_cover_in_93_to_98_percent_of_studies(images, n_seeds):
    n = 1000 if images is REALISTIC else 2000
    found = two_way_coverage(images, n_seeds, n)
    # Two standard errors of a share of 0.95 of n studies on either side of the band.
    slack = 2 * np.sqrt(0.95 * 0.05 / n)
    assert all(0.93 - slack <= found[key] <= 0.98 + slack for key in KEYS), found
