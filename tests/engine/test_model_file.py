"""A model file comes back as it was written, and whatever is not one is refused with a reason."""

import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import load_model, train
from engine.configuration import Configuration
from engine.errors import ConfigurationError, DigitsweepError
from engine.model_file import Model, ModelFileError, save_model


@pytest.fixture
def model(tiny):
    result = train(tiny, hidden_layers=2, hidden_size=7, activation="tanh", dropout_hidden=0.2, epochs=1)
    return Model.of(result.state, tiny, {"study": "x", "run_id": 3})


def rewritten(file, **changes):
    """The file with parts of it replaced, or left out where None; `header` by what it updates."""
    with np.load(file) as archive:
        parts = dict(archive)
    header = json.loads(str(parts["header"]))
    for name, value in changes.pop("header", {}).items():
        header[name] = header[name] | value if isinstance(value, dict) else value
    parts |= {"header": np.array(json.dumps(header)), **changes}
    np.savez(file, **{name: part for name, part in parts.items() if part is not None})


def test_a_model_comes_back_as_it_was_written(tmp_path, model, tiny):
    file = tmp_path / "any.name"
    save_model(file, model)
    again = load_model(file)
    assert again.configuration == model.configuration
    assert (again.dataset, again.data_sha256, again.n_features, again.n_classes) == ("tiny", tiny.sha256, 20, 4)
    assert again.origin == {"study": "x", "run_id": 3}
    assert again.values == (0, tiny.train.X.max())
    for before, after in zip(model.parameters, again.parameters, strict=True):
        np.testing.assert_array_equal(before, after)
        assert before.dtype == after.dtype
    assert [p.name for p in tmp_path.iterdir()] == ["any.name"]


def test_the_range_of_the_training_rows_is_read_from_files_that_say_it(tmp_path, model):
    file = tmp_path / "m.npz"
    for said, read in (([-2.5, 3.0], (-2.5, 3.0)), (None, None)):
        save_model(file, model)
        rewritten(file, header={"values": said})
        assert load_model(file).values == read
    for said in ([1.0], [2.0, 1.0], ["a", 1.0], [float("nan"), 1.0], 3):
        rewritten(file, header={"values": said})
        assert "its values must be the lowest and the largest" in refusal(file)


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
    with pytest.raises(ModelFileError, match=r"text\.npz is no model file: .*not a zip file"):
        load_model(tmp_path / "text.npz")
    (tmp_path / "empty.npz").touch()
    with pytest.raises(ModelFileError, match=r"empty\.npz is no model file"):
        load_model(tmp_path / "empty.npz")
    with pytest.raises(ModelFileError, match="no regular file"):
        load_model(tmp_path)
    np.savez(tmp_path / "other.npz", a=np.arange(3))
    assert "no header" in refusal(tmp_path / "other.npz")
    np.savez(tmp_path / "pickle.npz", header=np.array([{"a": 1}], dtype=object))
    assert "its header is no text" in refusal(tmp_path / "pickle.npz")
    for text in ("[1]", "[" * 100_000, "{}", "9" * 5_000, "no JSON"):
        np.savez(tmp_path / "text.npz", header=np.array(text))
        assert "text.npz is no model file: it" in refusal(tmp_path / "text.npz")


def test_compressed_arrays_are_refused_before_they_are_unpacked(tmp_path, model):
    file = tmp_path / "bomb.npz"
    save_model(file, model)
    with np.load(file) as archive:
        parts = dict(archive)
    np.savez_compressed(file, **parts | {"parameter_0": np.zeros((5_000, 5_000), np.float32)})
    assert peak_of(lambda: refusal(file)) < 1 << 20
    assert "compressed" in refusal(file)


def test_an_array_that_claims_to_be_larger_than_it_is_takes_no_memory(tmp_path, model):
    file = tmp_path / "m.npz"
    save_model(file, model)
    rewritten(file, header={"n_features": 10**9})
    shape, lie = b"(20, 7), }", b"(1000000000, 7), }"
    content = file.read_bytes().replace(shape + b" " * (len(lie) - len(shape)), lie)
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(file, "w") as consistent:
        for member in archive.infolist():
            start = member.header_offset + 30 + len(member.filename) + 20  # NumPy writes an extra field of 20 bytes
            consistent.writestr(member.filename, content[start : start + member.file_size])
    assert "parameter_0 must have 28,000,000,000 bytes, but has 560" in refusal(file)
    assert peak_of(lambda: refusal(file)) < 1 << 20


def test_a_member_that_claims_to_be_larger_than_the_file_takes_no_memory(tmp_path, model):
    file = tmp_path / "m.npz"
    save_model(file, model)
    content = bytearray(file.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 20 : entry + 28] = (2**31).to_bytes(4, "little") * 2
    file.write_bytes(content)
    assert "its arrays claim to be larger than it is" in refusal(file)
    assert peak_of(lambda: refusal(file)) < 1 << 20


def refusal(file):
    with pytest.raises(ModelFileError, match=file.name) as caught:
        load_model(file)
    return str(caught.value)


def peak_of(action):
    """Bytes that Python and NumPy took at most."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_loading_takes_a_small_multiple_of_the_files_size(tmp_path):
    shape = (784, 1_000), (1_000,), (1_000, 10), (10,)
    configuration = Configuration(hidden_layers=1, hidden_size=1_000)
    model = Model(configuration, tuple(np.ones(s, np.float32) for s in shape), "x", "0" * 64, 784, 10)
    file = tmp_path / "large.npz"
    save_model(file, model)
    size = file.stat().st_size
    assert peak_of(lambda: load_model(file)) < 2 * size
    with file.open("r+b") as stream:
        stream.truncate(size - 1_000)
    assert peak_of(lambda: refusal(file)) < 1 << 20


@given(data=st.data())
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_loads_as_it_was_written_or_is_refused(tmp_path, model, data):
    file = tmp_path / "m.npz"
    save_model(file, model)
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans(), "cut"):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    for _ in range(data.draw(st.integers(1, 4))):
        if content:
            # The directory of a ZIP is at its end, and the arrays' descriptions are at the start.
            place = data.draw(
                st.integers(0, len(content) - 1) | st.integers(1, min(900, len(content))).map(lambda i: -i)
            )
            content[place] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    try:
        found = load_model(file)
    except DigitsweepError as error:
        assert file.name in str(error)
        return
    assert found.configuration == model.configuration
    assert (found.dataset, found.data_sha256, found.origin) == (model.dataset, model.data_sha256, model.origin)
    for before, after in zip(model.parameters, found.parameters, strict=True):
        assert (before.tobytes(), before.shape, before.dtype) == (after.tobytes(), after.shape, after.dtype)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"header": {"format": "digitsweep-model-99"}}, "digitsweep-model-99"),
        ({"header": {"configuration": {"hidden_layers": -1}}}, "hidden_layers >= 0 and <= 1,000 must hold"),
        ({"header": {"configuration": {"layers": 2}}}, "no hyperparameter is called 'layers'"),
        ({"header": {"configuration": [1]}}, "configuration must be of the kind dict"),
        ({"header": {"configuration": None}}, "configuration must be of the kind dict"),
        ({"header": {"configuration": {"hidden_layers": 1000}}}, "must have 2002 arrays, but has"),
        ({"header": {"configuration": {"hidden_size": 10**6}}}, "must have"),
        ({"header": {"n_features": 21}}, r"parameter_0 must have the shape \(21, 7\)"),
        ({"header": {"n_features": 10**18}}, "parameter_0 must have the shape"),
        ({"header": {"n_features": 20.0}}, "n_features must be a whole number >= 1, but is 20.0"),
        ({"header": {"n_features": True}}, "n_features must be a whole number"),
        ({"header": {"n_classes": 0}}, "n_classes must be a whole number >= 1"),
        ({"header": {"dataset": 3}}, "dataset must be of the kind str"),
        ({"header": {"origin": "here"}}, "origin must be of the kind dict"),
        ({"parameter_2": np.zeros((7, 8), np.float32)}, r"parameter_2 must have the shape \(7, 7\)"),
        ({"parameter_2": np.zeros((7, 7))}, "be float32, but says .*<f8"),
        ({"parameter_2": np.zeros((7, 7), object)}, "parameter_2 must have the shape"),
        ({"parameter_2": np.full((7, 7), np.nan, np.float32)}, "not finite"),
        ({"parameter_2": np.asfortranarray(np.eye(7, 7, 1, np.float32))}, "'fortran_order': True"),
        ({"more": np.zeros(3)}, "must have 6 arrays, but has 7"),
        ({"more": np.zeros(3), "parameter_5": None}, "no array parameter_5"),
        ({"parameter_5": None}, "must have 6 arrays, but has 5"),
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
