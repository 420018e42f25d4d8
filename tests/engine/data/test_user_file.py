"""What is made of a user's rows, whatever file they come from: classes, scale, parts, and open questions."""

import numpy as np
import pytest

from engine.data.partition import partition
from engine.errors import DataError
from tests.engine.data.own import X, Y, all_parts, dense, load, npz


def test_rows_without_parts_are_cut_by_the_fixed_permutation(tmp_path):
    splits, n_classes, notices = load(npz(tmp_path, X=X, y=Y))
    assert dense(splits) == [(X[i].tolist(), Y[i].tolist()) for i in partition(Y, (5, 1, 1))]
    assert n_classes == 2
    assert notices == [
        "validation and test taken from the 7 training rows by a fixed permutation: 5 train, 1 validation, 1 test"
    ]
    for split in splits:
        assert (split.rows.values.dtype, split.y.dtype) == (np.float32, np.int64)


def test_rows_sorted_by_label_are_in_every_part(tmp_path):
    y = np.repeat(np.arange(4), 20)
    splits, *_ = load(npz(tmp_path, X=np.random.default_rng(0).random((80, 2)), y=y))
    assert [np.bincount(split.y).tolist() for split in splits] == [[14] * 4, [3] * 4, [3] * 4]


# --- classes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "classes", "notice"),
    [
        ([1, 0, 1], [1, 0, 1], None),
        ([True, False, True], [1, 0, 1], None),
        ([1.0, 0.0, 1.0], [1, 0, 1], None),
        (["1", " 0", "1"], [1, 0, 1], None),
        ([3, 0, 3], [1, 0, 1], "0 → 0, 3 → 1"),
        ([2, 1, 2], [1, 0, 1], "1 → 0, 2 → 1"),
        (["10", "9", "10"], [1, 0, 1], "9 → 0, 10 → 1"),
        (["cat", "dog", "cat"], [0, 1, 0], "cat → 0, dog → 1"),
        ([b"b", b"\xff", b"b"], [1, 0, 1], "\\xff → 0, b → 1"),
        ([-1, 1, -1], [0, 1, 0], "-1 → 0, 1 → 1"),
        (np.array([2**63, 7, 2**63], np.uint64), [1, 0, 1], "7 → 0, 9223372036854775808 → 1"),
    ],
)
def test_distinct_labels_in_order_are_the_classes(tmp_path, labels, classes, notice):
    splits, n, notices = load(npz(tmp_path, **all_parts(X[:3], np.array(labels))))
    assert (splits[0].y.tolist(), n) == (classes, 2)
    assert notices == ([f"2 different labels become classes in sorted order: {notice}"] if notice else [])


def test_many_classes_are_shown_with_first_and_last(tmp_path):
    y = np.repeat(np.arange(1, 41), 5)
    *_, notices = load(npz(tmp_path, X=np.random.default_rng(0).random((200, 2)), y=y))
    assert notices[0].endswith("9 → 8, 10 → 9, …, 38 → 37, 39 → 38, 40 → 39")


def test_a_class_that_training_never_sees_is_named(tmp_path):
    *_, notices = load(npz(tmp_path, X=X, y=Y, X_test=X, y_test=Y * 2, X_val=X, y_val=Y))
    assert notices == ["no training row has the label 2, which other parts have"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (Y * 0, "at least 2 classes, but every label is 0"),
        (Y + 0.5, r"whole numbers or words, but got 0\.5"),
        (np.where(Y, np.nan, 1), "whole numbers or words, but got nan"),
        (np.where(Y, np.inf, 1), "whole numbers or words, but got inf"),
        (np.where(Y, "NA", "1"), "every row must have a label, but got 'NA', which stands for a missing value"),
        (np.where(Y, b"", b"1"), "every row must have a label, but got ''"),
        (np.arange(7), "5 rows for each class, but got 7 different labels for 7 rows; is this the right column"),
    ],
)
def test_labels_that_are_no_classes_are_named(tmp_path, labels, message):
    with pytest.raises(DataError, match=message):
        load(npz(tmp_path, X=X, y=labels))


def test_more_classes_than_can_be_are_named(tmp_path):
    with pytest.raises(DataError, match=r"at most 1000 classes, but got 1,001 .* right"):
        load(npz(tmp_path, X=np.ones((1001, 1)), y=np.arange(1001)))


def test_words_in_one_part_and_numbers_in_another_are_named(tmp_path):
    with pytest.raises(DataError, match="words in every part, but are both"):
        load(npz(tmp_path, X=X, y=Y, X_test=X, y_test=Y.astype(str)))


# --- scale -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [np.eye(4, dtype=np.uint8), np.eye(4) / 3])
def test_values_from_0_to_1_stay(tmp_path, values):
    splits, _, notices = load(npz(tmp_path, **all_parts(values, [0, 1, 0, 1])))
    np.testing.assert_array_equal(splits[0].X, values.astype(np.float32), strict=True)
    assert notices == []


@pytest.mark.parametrize("top", [128, 255])
def test_pixels_of_8_bits_are_divided_by_255(tmp_path, top):
    images = np.eye(4, dtype=np.int64).reshape(4, 2, 2) * top
    splits, _, notices = load(npz(tmp_path, **all_parts(images, [0, 1, 0, 1])))
    expected = images.reshape(4, 4).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(splits[0].X, expected, strict=True)
    assert notices[0].startswith(f"whole numbers from 0 to {top} are read as pixels of 8 bits and divided by 255")


@pytest.mark.parametrize(
    ("values", "found", "scale"),
    [
        (np.eye(4, dtype=int) * 16, "whole numbers from 0 to 16 are neither", "16"),
        (np.eye(4, dtype=np.uint8) * np.uint8(100), "whole numbers from 0 to 100 are neither", "255"),
        (np.eye(4, dtype=np.uint16) * 65_535, "whole numbers from 0 to 65535 are neither", "65535"),
        (np.eye(4, dtype=int) * 70_000, "whole numbers from 0 to 70000 are neither", "70000"),
        (np.eye(4) * 255, "whole numbers from 0 to 255 are stored as floats: pixels", "255"),
    ],
)
def test_any_other_range_is_asked_for_by_key(tmp_path, values, found, scale):
    path = npz(tmp_path, **all_parts(values, [0, 1, 0, 1]))
    with pytest.raises(DataError) as caught:
        load(path)
    assert f"{path}: {found}" in str(caught.value)
    assert f"dataset: {{path: {path}, scale: {scale}}}" in str(caught.value)
    assert f"--dataset {path} --scale {scale}" in str(caught.value)
    splits, _, notices = load(path, scale=scale if scale == "none" else float(scale))
    divisor = np.float32(1 if scale == "none" else scale)
    np.testing.assert_array_equal(splits[0].X, values.astype(np.float32) / divisor, strict=True)
    assert [notice for notice in notices if not notice.startswith("warning: values")] == []


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.eye(4) * 2.5, "values from 0 to 2.5 are neither"),
        (-np.eye(4) / 2, "values from -0.5 to 0 are neither"),
        (np.eye(4) + 0.1, "values from 0.1 to 1.1 are neither"),
    ],
)
def test_measured_values_are_to_be_standardised_or_taken_as_they_are(tmp_path, values, found):
    path = npz(tmp_path, **all_parts(values, [0, 1, 0, 1]))
    with pytest.raises(DataError) as caught:
        load(path)
    assert f"{path}: {found}" in str(caught.value)
    assert f"--dataset {path} --scale standardise" in str(caught.value)
    assert "none takes them as they are" in str(caught.value)
    assert load(path, scale="none")[2] == []


def test_standardised_features_are_fitted_on_training_rows_alone(tmp_path):
    random = np.random.default_rng(3)
    train, other = random.normal([5, 300, 7], [1, 90, 0], (40, 3)), random.normal([9, 0, 8], 1, (20, 3))
    y = np.arange(40) % 2
    path = npz(tmp_path, X_train=train, y_train=y, X_val=other, y_val=y[:20], X_test=other + 1, y_test=y[:20])
    splits, _, notices = load(path, scale="standardise")
    train = train.astype(np.float32).astype(np.float64)
    means, deviations = train.mean(0), np.array([*train.std(0)[:2], 1.0])
    for split, values in zip(splits, (train, other, other + 1), strict=True):
        np.testing.assert_allclose(split.X, (values - means) / deviations, atol=1e-4)
    assert notices == [
        "every feature has mean 0 and standard deviation 1 over the 40 training rows; 1 that never change there are 0"
    ]


def test_a_table_of_measurements_is_learned_where_it_is_standardised(tmp_path):
    from sklearn.datasets import load_wine

    from engine import load_dataset, train

    X, y = load_wine(return_X_y=True)
    path = tmp_path / "wine.csv"
    rows = [
        ";".join(f"{value:g}".replace(".", ",") for value in (*row, label)) for row, label in zip(X, y, strict=True)
    ]
    path.write_text("\n".join([";".join([*(f"f{i}" for i in range(13)), "Target"]), *rows]))
    best, said = {}, {}
    for scale in ("none", "standardise"):
        said[scale] = []
        data = load_dataset({"path": str(path), "scale": scale}, notify=said[scale].append)
        best[scale] = train(data, learning_rate=0.01, hidden_layers=1, hidden_size=20, epochs=20).evaluations[-1]
    assert best["standardise"].accuracy["validation"] > 0.9 > 0.5 > best["none"].accuracy["validation"]
    assert any("warning: values from 0.13 to 1680 are taken as they are" in line for line in said["none"])
    assert not any("warning" in line for line in said["standardise"])


def test_the_scale_that_is_given_goes_before_what_is_plain(tmp_path):
    path = npz(tmp_path, **all_parts(np.eye(4, dtype=np.uint8) * np.uint8(255), [0, 1, 0, 1]))
    assert load(path, scale="none")[0][0].X.max() == 255
    assert load(path, scale=51)[0][0].X.max() == 5
    with pytest.raises(DataError, match="are infinite in float32"):
        load(npz(tmp_path, X=X * 1e20, y=Y), scale=1e-30)


# --- parts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": X, "y": Y, "X_test": X[:, :1], "y_test": Y}, "the 2 features of the train part, but test has 1"),
        ({"X": X[:0], "y": Y[:0]}, "the train part must hold at least one row"),
        ({"X": X, "y": Y, "X_val": X[:0], "y_val": Y[:0]}, "the validation part must hold at least one row"),
        ({"X": X[:, :0], "y": Y}, "at least one feature"),
        ({"X": X[:2], "y": Y[:2]}, "3 parts must be made of the train part, but it has 2 rows"),
        ({"X": np.where(X == 1, np.nan, X), "y": Y}, r"but row 1 \(from 0\) of the train part has nan in feature 0"),
        ({"X": np.where(X == 0.75, 1e300, X), "y": Y}, r"but row 4 \(from 0\) of the train part has inf in feature 0"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tmp_path, arrays, message):
    path = npz(tmp_path, **arrays)
    with pytest.raises(DataError, match=f"^{path}: .*{message}"):
        load(path)


@pytest.mark.parametrize(("key", "value"), [("keep", "a"), ("header", True)])
def test_keys_of_another_kind_of_file_are_refused(tmp_path, key, value):
    with pytest.raises(DataError, match=f"{key} is for columns"):
        load(npz(tmp_path, X=X, y=Y), **{key: value})
