"""Data files, pictures, models and databases whose bytes were disturbed, each given to the command that reads it."""

import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.fuzz.runner import assert_answered, run
from tests.fuzz.test_study_files import FUZZ, STUDIES

pytestmark = pytest.mark.slow

EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 40),
        st.binary(max_size=6) | st.sampled_from([b"\x00" * 40, b"\xff" * 16, b"9" * 12, b"nan", b",", b"\n", b'"']),
    ),
    min_size=1,
    max_size=5,
)  # fmt: skip


def edited(content, edits):
    text = bytearray(content)
    for place, length, piece in edits:
        at = int(place * len(text))
        text[at : at + length] = piece
    return bytes(text)


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def data_files():
    random = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = random.integers(0, 256, (90, 16)).astype(np.uint8)
    rows = "\n".join(",".join(map(str, [label, *row])) for label, row in zip(y, X, strict=True))
    header = ",".join(["label", *(f"p{i}" for i in range(16))])
    compressed = io.BytesIO()
    np.savez_compressed(compressed, x_train=X, y_train=y, x_test=X[:30], y_test=y[:30])
    return {
        "a.npz": npz(X=X, y=y),
        "b.npz": compressed.getvalue(),
        "c.csv": f"{header}\n{rows}\n".encode(),
        "d.csv": rows.replace(",", ";").encode(),
    }


FILES = data_files()
ARRAYS = st.sampled_from(
    ["X", "y", "x_train", "y_train", "x_val", "y_valid", "x_test", "Y_TEST", "label", "arr_0", "extra"]
)
CONTENTS = st.builds(
    lambda shape, dtype, fill: np.full(shape, fill).astype(dtype),
    st.lists(st.sampled_from([0, 1, 3, 4, 90]), max_size=4).map(tuple),
    st.sampled_from(["u1", "i8", "f4", "f8", "?", "U3", "S2", "u2", "c8"]),
    st.sampled_from([0, 1, 2, 255]),
)


def try_data(name, content):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "x.yaml").write_text(yaml.dump(STUDIES[0]))
        (folder / name).write_bytes(content)
        assert_answered(run(folder, "run", "x.yaml", "--db", "x.sqlite", "--dataset", name, "--dry-run"))


@FUZZ
@given(st.sampled_from(sorted(FILES)), EDITS)
def test_any_data_file_is_answered(name, edits):
    try_data(name, edited(FILES[name], edits))


@FUZZ
@given(st.dictionaries(ARRAYS, CONTENTS, max_size=5))
def test_any_arrays_are_answered(arrays):
    try_data("x.npz", npz(**arrays))


@FUZZ
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["X.npy", "y.npy", "../X.npy", "X"]), st.binary(max_size=60) | st.just(b"\x93NUMPY\x01\x00")
        ),
        max_size=3,
        unique_by=lambda member: member[0],
    )
)
def test_any_archive_is_answered(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    try_data("x.npz", buffer.getvalue())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a small database, a model trained from it, and what a selection of it says."""
    folder = tmp_path_factory.mktemp("made")
    study = {**STUDIES[0], "fixed": {"epochs": 1, "evaluations_per_epoch": 2}}
    (folder / "x.yaml").write_text(yaml.dump(study))
    for words in (["run", "x.yaml", "--db", "x.sqlite"], ["train-best", "small", "--db", "x.sqlite", "-o", "m.npz"]):
        ending = run(folder, *words)
        assert ending.code == 0, ending.said
    return folder


def pictures():
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 256, (30, 20)).astype(np.uint8))
    result = {}
    for kind in ("PNG", "JPEG", "BMP", "GIF", "TIFF", "PPM", "WEBP", "ICO"):
        buffer = io.BytesIO()
        image.save(buffer, kind)
        result[f"x.{kind.lower()}"] = buffer.getvalue()
    return result


PICTURES = pictures()


@FUZZ
@given(name=st.sampled_from(sorted(PICTURES)), edits=EDITS)
def test_any_picture_is_answered(made, name, edits):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "m.npz").write_bytes((made / "m.npz").read_bytes())
        (folder / name).write_bytes(edited(PICTURES[name], edits))
        assert_answered(run(folder, "predict", "m.npz", name))


@FUZZ
@given(edits=EDITS)
def test_any_model_file_is_answered(made, edits):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "m.npz").write_bytes(edited((made / "m.npz").read_bytes(), edits))
        (folder / "x.png").write_bytes(PICTURES["x.png"])
        assert_answered(run(folder, "predict", "m.npz", "x.png"))


READERS = [["status"], ["select", "small"], ["export", "--out", "out"], ["reproduce", "1"], ["run", "x.yaml"],
           ["confirm", "small", "--dry-run"]]  # fmt: skip


@FUZZ
@given(command=st.sampled_from(READERS), edits=EDITS)
def test_any_database_is_answered(made, command, edits):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "x.yaml").write_bytes((made / "x.yaml").read_bytes())
        damaged = edited((made / "x.sqlite").read_bytes(), edits)
        (folder / "x.sqlite").write_bytes(damaged)
        ending = run(folder, *command, "--db", "x.sqlite")
        # A lock beside the database may stay where a command was refused; nothing else does.
        assert "Traceback" not in ending.said, ending.said
        assert ending.code in (0, 1, 2), ending
        assert ending.seconds < 15, ending
