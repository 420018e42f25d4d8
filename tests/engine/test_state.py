"""A checkpoint comes back to the bit where it fits, and says why where it does not."""

import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.configuration import DOMAINS, Configuration
from engine.state import FORMAT, CheckpointError, TrainingState
from engine.training import initial_state, train_segment
from tests.conftest import make_dataset

CONFIGURATION = Configuration(
    hidden_layers=1, hidden_size=5, momentum=True, decay="halve_on_decrease", decay_round="evaluation", epochs=2
)
SEED, CODE = 2**53 - 1, "1.0+engine.abc"
DATASET = make_dataset()


def state_of(configuration=CONFIGURATION, n_segments=3):
    state = initial_state(configuration, SEED, DATASET)
    for _ in range(n_segments):
        state, _ = train_segment(state, DATASET)
    return state


def restored(data, configuration=CONFIGURATION, seed=SEED, code_version=CODE):
    return TrainingState.from_bytes(data, configuration=configuration, seed=seed, code_version=code_version)


def plain(state):
    """Everything in a state, as bytes where it is an array."""
    arrays = {name: [(a.tobytes(), a.shape, a.dtype) for a in getattr(state, name)] for name in ARRAYS}
    return {**vars(state), **arrays}


ARRAYS = ("parameters", "velocities")


@pytest.mark.parametrize("dtype", DOMAINS["dtype"].choices)
@pytest.mark.parametrize("hidden_layers", [0, 2])
@pytest.mark.parametrize("n_segments", [0, 3])
def test_a_state_comes_back_to_the_bit(n_segments, hidden_layers, dtype):
    configuration = replace(CONFIGURATION, hidden_layers=hidden_layers, dtype=dtype)
    state = state_of(configuration, n_segments)
    again = restored(state.to_bytes(CODE), configuration)
    assert plain(again) == plain(state)
    assert train_segment(again, DATASET)[1] == train_segment(state, DATASET)[1]
    diverged = replace(state, diverged_at=7, parameters=tuple(np.full_like(w, np.nan) for w in state.parameters))
    assert plain(restored(diverged.to_bytes(CODE), configuration)) == plain(diverged)


def first_format(state):
    """A checkpoint as it was before it had a format number."""
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array(json.dumps({"seed": state.seed})), parameter_0=state.parameters[0])
    return buffer.getvalue()


def sealed(content):
    return content + hashlib.sha256(content).digest()


def another_npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return sealed(f"digitsweep-checkpoint {FORMAT}\n".encode() + buffer.getvalue())


@pytest.mark.parametrize(
    ("expectation", "says"),
    [
        ({"code_version": "1.1+engine.def"}, r"made by 1\.0\+engine\.abc, and now there is 1\.1\+engine\.def"),
        ({"configuration": replace(CONFIGURATION, learning_rate=0.02)}, "another configuration"),
        ({"configuration": replace(CONFIGURATION, hidden_size=6)}, "another configuration"),
        ({"seed": 1}, f"seed {SEED}, but the run has 1"),
    ],
)
def test_a_checkpoint_of_another_run_or_code_does_not_fit(expectation, says):
    with pytest.raises(CheckpointError, match=says):
        restored(state_of().to_bytes(CODE), **expectation)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda _: b"", "damaged"),
        (lambda data: data[:-1], "checksum"),
        (lambda data: data + b"\0", "checksum"),
        (lambda data: data[:40], "checksum"),
        (lambda data: data.replace(b" 2\n", b" 3\n", 1), f"format 3, but this version reads {FORMAT}"),
        (lambda _: first_format(state_of()), "format of an earlier version"),
        (lambda _: another_npz(x=np.zeros(3)), "compressed"),
        (lambda _: another_npz(header=np.array("{}"), parameter_0=np.zeros(10**7)), "compressed"),
        (lambda _: sealed(f"digitsweep-checkpoint {FORMAT}\nno archive".encode()), "damaged"),
    ],
)
def test_what_is_no_checkpoint_is_refused_with_the_reason(damage, says):
    with pytest.raises(CheckpointError, match=says):
        restored(damage(state_of().to_bytes(CODE)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"k": -1}, "k must be a whole number >= 0"),
        ({"updates": 1.5}, "updates must be a whole number"),
        ({"learning_rate": [0.1]}, "damaged"),
        ({"learning_rate": ["x", None]}, "damaged"),
        ({"diverged_at": "no"}, "diverged_at must be a whole number"),
        ({"n_features": 10**12}, "parameter_0 must have the shape"),
        ({"n_classes": None}, "n_classes must be a whole number"),
    ],
)
def test_a_checkpoint_that_contradicts_itself_is_refused(change, says):
    data = state_of().to_bytes(CODE)
    start = data.index(b"PK")
    with np.load(io.BytesIO(data[start:-32])) as archive:
        parts = dict(archive)
    parts["header"] = np.array(json.dumps(json.loads(str(parts["header"])) | change))
    buffer = io.BytesIO()
    np.savez(buffer, **parts)
    with pytest.raises(CheckpointError, match=says):
        restored(sealed(data[:start] + buffer.getvalue()))


@given(data=st.data())
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_no_damage_goes_unnoticed(data):
    content = bytearray(WHOLE)
    if data.draw(st.booleans(), "cut"):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CheckpointError):
        restored(bytes(content))


WHOLE = state_of().to_bytes(CODE)
