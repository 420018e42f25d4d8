"""Study files that nobody would write: every key with every kind of value, and files whose bytes were disturbed."""

import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.configuration import DOMAINS
from search.spec.study import StudySpec
from tests.fuzz.runner import N_EXAMPLES, assert_answered, run

pytestmark = pytest.mark.slow

FUZZ = settings(
    max_examples=N_EXAMPLES, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
BASE = {"study": "small", "question": "Does it?", "dataset": "digits"}
STUDIES = [
    {**BASE, "driver": "grid", "fixed": {"epochs": 1}, "space": {"learning_rate": [0.01, 0.1], "momentum": [True]}},
    {**BASE, "driver": "random", "trials": 4, "space": {"learning_rate": {"low": 0.01, "high": 0.1, "scale": "log"}}},
    {**BASE, "driver": "random", "trials": 9, "fidelity": {"train_images": [100, 200], "epochs": [1, 2]},
     "space": {"hidden_layers": [1, 2], "hidden_size": {"low": 4, "high": 30}}},
    {**BASE, "driver": "ofat", "replicates": 2, "fixed": {"activation": "relu", "learning_rate": 0.01},
     "space": {"activation": ["relu", "tanh"]}, "nuisance": ["learning_rate"], "by": {"hidden_layers": [1, 2]}},
    {**BASE, "driver": "optuna", "sampler": "tpe", "pruner": "hyperband", "trials": 5,
     "space": {"learning_rate": {"low": 0.01, "high": 0.1}}},
]  # fmt: skip
KEYS = sorted(
    {*StudySpec.model_fields, *DOMAINS, "low", "high", "n", "scale", "optimizer", "lr", "", "é", "a.b", "[x]"}
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 10**9, 10**18, 10**400, 2**31, 2**63, -(10**30)]),
    st.floats(),
    st.sampled_from([1e308, 5e-324, -0.0]),
    st.text(max_size=20),
    st.sampled_from(
        ["1e-3", "1/3", "0/0", "relu", "log", "digits", "../x.csv", "[bold]x[/]", "NaN", "=1+1", "0x1F", "-" * 3000]
    ),
    st.dates(),
    st.binary(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | SCALARS, inner, max_size=4),
    max_leaves=12,
)


def places(node, path=()):
    """Every place in a document where something could stand instead."""
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def placed(node, path, value):
    """The document with another value at one place."""
    if not path:
        return value
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[path[0]] = placed(node[path[0]], path[1:], value)
    return copy


@st.composite
def documents(draw):
    study = draw(st.sampled_from(STUDIES))
    for _ in range(draw(st.integers(1, 3))):
        study = placed(study, draw(st.sampled_from(sorted(places(study), key=str))), draw(VALUES))
        if isinstance(study, dict) and draw(st.booleans()):
            study = study | {draw(st.sampled_from(KEYS)): draw(VALUES)}
    return yaml.dump(study, allow_unicode=True).encode("utf-8", "surrogatepass")


@st.composite
def disturbed(draw):
    text = bytearray(yaml.dump(draw(st.sampled_from(STUDIES))).encode())
    pieces = [
        b"*a", b"&a ", b"!!python/object:os.system ", b"!!int ", b"<<: ", b"? ", b"\t", b"\x00", b"{", b"[" * 3000,
        b"- " * 900, b"---\n", b"'", b"!!timestamp ", b"010", b"1_0", b"\xff\xfe", b"\xef\xbb\xbf", b"%", b"|\n",
    ]  # fmt: skip
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 4))] = draw(st.sampled_from(pieces) | st.binary(max_size=3))
    return bytes(text)


def try_file(content):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "x.yaml").write_bytes(content)
        assert_answered(run(folder, "run", "x.yaml", "--db", "x.sqlite", "--dry-run"))


@FUZZ
@given(documents())
def test_any_study_file_is_answered(content):
    try_file(content)


@FUZZ
@given(disturbed())
def test_any_bytes_of_a_study_file_are_answered(content):
    try_file(content)
