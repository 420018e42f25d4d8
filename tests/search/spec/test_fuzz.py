"""Study files made at random from the schema: each is a study or one message, soon, and nothing is made of it.

A short form runs with the other tests; DIGITSWEEP_FUZZ=5000 gives each test that many files.
"""

import json
import os
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.configuration import DOMAINS
from search.drivers import make_driver
from search.spec.limits import MAX_TRIALS
from search.spec.meaning import n_planned
from search.spec.space import SpecError
from search.spec.study import FidelitySpec, StudySpec, load_spec

N_FILES = int(os.environ.get("DIGITSWEEP_FUZZ", "100"))
fuzzed = settings(max_examples=N_FILES, deadline=None, suppress_health_check=list(HealthCheck))

PYDANTIC = re.compile(r"valid dictionary|valid string|valid integer|Input should|pattern|validation error|instance of")

words = st.sampled_from(
    ["", "x", "on", "yes", "010", "1:30", "1e-3", "2022-01-01", ".nan", ".inf", "0x1F", "~", "=", "<<", "*a", "&a",
     "!x", "!!python/none", "!!int x", "@", "`", "%", "- -", "? ", "[", "}", "|", "\t", "\x00", "\ufeff", "ü", "9e999"]
) | st.text(max_size=12)  # fmt: skip
numbers = st.integers() | st.floats() | st.sampled_from([0, 1, -1, 2**31, 10**18, 10**39, 0.5, 1e308, True, False])
scalars = st.none() | st.booleans() | numbers | words
names = st.sampled_from([*StudySpec.model_fields, *DOMAINS, "lr", "low", "high", "n", "scale"]) | words
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)

GOOD = {
    "study": "x",
    "question": "Why?",
    "driver": "grid",
    "fixed": {"epochs": 1, "evaluations_per_epoch": 1},
    "space": {"learning_rate": [0.01, 0.1]},
}


def values_of(name):
    """Values that a hyperparameter may have, and some that it may not."""
    choices = DOMAINS[name].choices
    return st.sampled_from(choices) if choices else scalars


@st.composite
def axes(draw):
    """A section of axes, most of them right."""
    chosen = draw(st.lists(st.sampled_from(list(DOMAINS)), max_size=4, unique=True))
    ranges = st.fixed_dictionaries(
        {"low": numbers, "high": numbers}, optional={"scale": st.sampled_from(["log", "linear", "x"]), "n": numbers}
    )
    return {name: draw(st.lists(values_of(name), max_size=4) | ranges | anything) for name in chosen}


KEYS = {
    "driver": st.sampled_from(["grid", "random", "ofat", "optuna", "bayes"]),
    "sampler": st.sampled_from(["tpe", "cmaes", "qmc", "x"]),
    "pruner": st.sampled_from(["none", "hyperband", "x"]),
    "space": axes(),
    "by": axes(),
    "nuisance": axes() | st.lists(names, max_size=3),
    "fixed": st.dictionaries(st.sampled_from(list(DOMAINS)), scalars, max_size=5),
    "fidelity": st.fixed_dictionaries(
        {}, optional=dict.fromkeys(FidelitySpec.model_fields, st.lists(numbers, max_size=4))
    ),
    "claims": st.lists(
        st.fixed_dictionaries(
            {"claim": words},
            optional={
                "compare": st.fixed_dictionaries({"factor": names, "level": scalars, "against": scalars}),
                "level": st.fixed_dictionaries({"of": st.just("mean")}, optional={"at_least": numbers}),
                "expect": st.sampled_from(["higher", "x"]),
                "metric": st.sampled_from(["gap", "x"]),
                "needs": st.dictionaries(names, anything, max_size=2),
                "other": scalars,
            },
        ),
        max_size=3,
    ),
    "figures": st.lists(
        st.fixed_dictionaries(
            {"figure": st.sampled_from(["curves", "paired", "response", "x"])},
            optional={"factor": names, "axis": names, "by": names, "of": anything, "marks": anything, "other": scalars},
        ),
        max_size=3,
    ),
    "page": words,
    **dict.fromkeys(("seed", "replicates", "trials"), numbers),
}


@st.composite
def studies(draw):
    """A good study with some keys replaced by what is nearly right, by anything, or by nothing."""
    raw = dict(GOOD)
    for key in draw(st.lists(st.sampled_from([*StudySpec.model_fields, "other"]), max_size=5, unique=True)):
        raw[key] = draw(KEYS.get(key, anything) | anything)
    for key in draw(st.lists(st.sampled_from(list(GOOD)), max_size=1)):
        raw.pop(key, None)
    return raw


def check(file, content):
    """The file is a study within bounds or one message, in a few seconds, and the folder holds nothing else."""
    file.write_bytes(content)
    begun = time.process_time()
    try:
        spec = load_spec(file)
    except SpecError as error:
        message = str(error)
        assert "\n" not in message
        assert len(message) < 3000
        assert not PYDANTIC.search(message.replace(file.name, "")), message
    else:
        assert n_planned(spec) <= MAX_TRIALS
        if n_planned(spec) <= 500 and spec.driver != "optuna":
            make_driver(spec, 10)
    assert time.process_time() - begun < 5
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "x.yaml"


@fuzzed
@given(raw=studies())
def test_any_study_is_run_or_refused(file, raw):
    check(file, json.dumps(raw).replace("NaN", ".nan").replace("Infinity", ".inf").encode())


@fuzzed
@given(key=names, value=words, more=st.text(max_size=30))
def test_any_line_is_read_or_refused(file, key, value, more):
    good = "study: x\nquestion: Why?\ndriver: grid\nspace: {learning_rate: [0.1]}\n"
    check(file, f"{good}{key}: {value}\n{more}".encode("utf-8", "surrogatepass"))


@fuzzed
@given(data=st.data())
def test_any_damage_to_a_file_is_read_or_refused(file, experiments, data):
    content = bytearray(data.draw(st.sampled_from(sorted(experiments.glob("*.yaml")))).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        stop = data.draw(st.integers(start, min(len(content), start + 30)))
        content[start:stop] = data.draw(st.binary(max_size=8) | words.map(lambda w: w.encode("utf-8", "surrogatepass")))
    check(file, bytes(content))
