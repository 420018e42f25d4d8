"""A model file comes back as it was written, and whatever is not one is refused with a reason."""

import json

import numpy as np
import pytest

from engine import load_model, train
from engine.errors import ConfigurationError
from engine.model_file import Model, ModelFileError, save_model


@pytest.fixture
def model(tiny):
    result = train(tiny, hidden_layers=2, hidden_size=7, activation="tanh", dropout_hidden=0.2, epochs=1)
    return Model.of(result.state, tiny, {"study": "x", "run_id": 3})


def rewritten(file, **changes):
    """The file with parts of it replaced; `header` by what it updates."""
    with np.load(file) as archive:
        parts = dict(archive)
    header = json.loads(str(parts["header"])) | changes.pop("header", {})
    np.savez(file, **{**parts, "header": np.array(json.dumps(header)), **changes})


def test_a_model_comes_back_as_it_was_written(tmp_path, model, tiny):
    file = tmp_path / "any.name"
    save_model(file, model)
    again = load_model(file)
    assert again.configuration == model.configuration
    assert (again.dataset, again.data_sha256, again.n_features, again.n_classes) == ("tiny", tiny.sha256, 20, 4)
    assert again.origin == {"study": "x", "run_id": 3}
    for before, after in zip(model.parameters, again.parameters, strict=True):
        np.testing.assert_array_equal(before, after)
        assert before.dtype == after.dtype
    assert [p.name for p in tmp_path.iterdir()] == ["any.name"]


def test_predictions_are_those_of_the_trained_network(tmp_path, model, tiny):
    save_model(tmp_path / "m.npz", model)
    found = load_model(tmp_path / "m.npz").predict_proba(tiny.test.X)
    np.testing.assert_array_equal(found, model.network.predict_proba(tiny.test.X))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert np.mean(found.argmax(axis=1) == tiny.test.y) > 0.5
    with pytest.raises(ConfigurationError, match=r"\(n, 20\)"):
        model.predict_proba(tiny.test.X[:, :5])


def test_what_is_no_model_is_refused_with_the_reason(tmp_path, model):
    with pytest.raises(ModelFileError, match="train-best"):
        load_model(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("not a model " * 100)
    with pytest.raises(ModelFileError, match="no NPZ archive"):
        load_model(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", a=np.arange(3))
    with pytest.raises(ModelFileError, match="no model file"):
        load_model(tmp_path / "other.npz")
    np.savez(tmp_path / "pickle.npz", header=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ModelFileError, match="no model file"):
        load_model(tmp_path / "pickle.npz")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"header": {"format": "digitsweep-model-99"}}, "digitsweep-model-99"),
        ({"header": {"configuration": {"hidden_layers": -1}}}, "header is damaged"),
        ({"header": {"n_features": 21}}, "shapes"),
        ({"parameter_2": np.zeros((7, 8), np.float32)}, "shapes"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, model, changes, says):
    file = tmp_path / "m.npz"
    save_model(file, model)
    rewritten(file, **changes)
    with pytest.raises(ModelFileError, match=says):
        load_model(file)


def test_a_folder_that_is_missing_is_named(tmp_path, model):
    with pytest.raises(ModelFileError, match="cannot be written"):
        save_model(tmp_path / "nowhere" / "m.npz", model)
