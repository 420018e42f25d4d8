"""Files of any bytes: each loads or is one DataError, in little memory and time. Mutations of files that are right."""

import io
import resource
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.idx import format_idx
from engine.errors import DataError
from tests.engine.data.own import load

FUZZ = settings(
    max_examples=150,
    deadline=5_000,  # milliseconds
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MEMORY = 100 << 20
"""Bytes that a file of a few kilobytes may take while it is read."""


def good_npz(save):
    stream = io.BytesIO()
    save(stream, X=np.linspace(0, 1, 300).reshape(50, 6), y=np.arange(50) % 3, names=np.array(["a", "b"]))
    return stream.getvalue()


IDX = format_idx(np.full((30, 2, 2), 200, np.uint8))
SEEDS = {
    "own.npz": [good_npz(np.savez), good_npz(np.savez_compressed)],
    "own.csv": [
        b"label,a,b,split\n" + b"0,0.5,1,train\n1,0.25,0,test\n" * 6,
        b"1;0,5;0,25\n0;0,125;1\n" * 6,
        '"cat, x",0.5\nhéé,1\n'.encode() * 6,
        "label\ta\n0\t1\n1\t0\n".encode("utf-16"),
        b"0,1,2,3,4,5,6,7\n" + b"0,1,0,1,0,1,0,1\n" * 12,
    ],
    "train-images-idx3-ubyte": [IDX],
}
TOKENS = {
    "own.npz": [b"PK\x01\x02", b"\x93NUMPY\x02\x00", b"'shape': (1000000000, 9)", b"'|O'", b"\xff" * 4, b"True"],
    "own.csv": [b",", b"\n", b'"', b";", b"\r", b"nan", b"1e999", b"\xff\xfe", b"\0", b"9" * 400, b"label", b"split"],
    "train-images-idx3-ubyte": [b"\xff\xff\xff\xff", b"\x1f\x8b\x08", b"\0\0\x08\xff", b"\0\0\x0d\x02"],
}  # fmt: skip


@st.composite
def mutated(draw, name):
    """A file that is right, with a few bytes changed, cut, doubled or put in."""
    content = bytearray(draw(st.sampled_from(SEEDS[name])))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        to = min(len(content), at + draw(st.integers(0, 40)))
        match draw(st.sampled_from(["flip", "cut", "double", "insert", "replace", "end"])):
            case "flip" if at < len(content):
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del content[at:to]
            case "double":
                content[at:at] = content[at:to]
            case "insert":
                content[at:at] = draw(st.sampled_from(TOKENS[name]))
            case "replace":
                token = draw(st.sampled_from(TOKENS[name]))
                content[at : at + len(token)] = token
            case "end":
                del content[at:]
    return bytes(content)


def reads_or_refuses(path):
    """Whether the file loads; any exception but DataError, and more memory than is its due, fails the test."""
    tracemalloc.start()
    try:
        splits, n_classes, _ = load(path)
        assert all(np.isfinite(split.rows.values).all() for split in splits)
        assert all(split.y.max() < n_classes for split in splits)
    except DataError as error:
        assert str(path) in str(error)
        return False
    else:
        return True
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MEMORY


@FUZZ
@given(content=mutated("own.npz"))
def test_mutated_npz_loads_or_is_refused(tmp_path, content):
    (tmp_path / "own.npz").write_bytes(content)
    reads_or_refuses(tmp_path / "own.npz")


@FUZZ
@given(content=mutated("own.csv"))
def test_mutated_csv_loads_or_is_refused(tmp_path, content):
    (tmp_path / "own.csv").write_bytes(content)
    reads_or_refuses(tmp_path / "own.csv")


@FUZZ
@given(content=mutated("train-images-idx3-ubyte"))
def test_mutated_idx_loads_or_is_refused(tmp_path, content):
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(format_idx(np.arange(30, dtype=np.uint8) % 3))
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    reads_or_refuses(tmp_path)


CELLS = st.sampled_from(["", "0", "1", "2", "-1", "0.5", "1e3", "nan", "inf", "x", '"', "1,5", "label", "id", "é", " "])


@FUZZ
@given(rows=st.lists(st.lists(CELLS, max_size=5), max_size=25), separator=st.sampled_from(",;\t| "))
def test_any_table_loads_or_is_refused(tmp_path, rows, separator):
    text = "\n".join(separator.join(row) for row in rows)
    (tmp_path / "own.csv").write_text(text, encoding="utf-8")
    reads_or_refuses(tmp_path / "own.csv")


@FUZZ
@given(
    header=st.text(st.sampled_from("{}'descr:<f48|Ofortran_order,shape()0123456789- TrueFalse\n\\"), max_size=120),
    n=st.integers(0, 64),
)
def test_any_array_header_loads_or_is_refused(tmp_path, header, n):
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        for name in ("X.npy", "y.npy"):
            content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(n)
            archive.writestr(name, content)
    assert not reads_or_refuses(tmp_path / "own.npz")


@pytest.mark.parametrize("fill", [0, 1])
def test_bomb_takes_no_more_than_its_bound(tmp_path, fill):
    """60 MB in an archive of 60 kB: below what is declared at most, so that it is unpacked, and then counted."""
    path = tmp_path / "own.npz"
    np.savez_compressed(path, X=np.full((80_000, 784), fill, np.uint8), y=np.zeros(80_000, np.uint8))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError):
        load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700 << 10  # kB
