"""The benchmarks: peers do the work they are asked for, and the document says what was measured."""

import json

import numpy as np
import pytest

from benchmarks import document, measure, workloads
from benchmarks.peers import is_installed, make
from benchmarks.ratios import ratios
from benchmarks.workloads import Images, Training
from engine.data.load import load_dataset

BATCHES = Training(hidden=(20,), momentum=True, batch_size=8)


@pytest.fixture(scope="module")
def images():
    """1,500 digits of 8 × 8 pixels."""
    found = measure.images_of(load_dataset("digits"))
    return Images(found.X[:1500], found.y[:1500], 1000, np.random.default_rng(0).permutation(1000))


@pytest.fixture(scope="module")
def peers(images, tmp_path_factory):
    said = []
    found = measure.Peers(images, tmp_path_factory.mktemp("images") / "images.npz", 0, said.append)
    yield found
    found.close()


@pytest.mark.slow
def test_peers_in_processes_of_their_own_answer_in_turns(peers):
    rows = peers.in_turns(BATCHES, 2, ("digitsweep", "scikit-learn"))
    assert [row["peer"] for row in rows] == ["digitsweep", "scikit-learn"]
    for row in rows:
        assert 0 < row["us_per_image"] < 1e5
        assert 0 < row["ms_per_evaluation"] < 1e4
        assert row["megabytes"] > 10
    assert json.loads(json.dumps(rows))[1]["label"] == str(BATCHES)


def test_a_workload_that_a_library_lacks_is_said(peers):
    (row,) = peers.in_turns(workloads.SIXTEEN, 1, ("scikit-learn",))
    assert row["unsupported"] == "one model at a time"


def test_a_peer_that_is_not_installed_is_named_and_left_out(peers):
    assert set(peers.versions()) | set(peers.missing) == {"digitsweep", "JAX", "PyTorch", "scikit-learn"}
    assert all(is_installed(name) for name in peers.versions())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "training"),
    [
        (name, training)
        for name in ("digitsweep", "JAX", "PyTorch", "scikit-learn")
        for training in (Training(), Training(hidden=(20,)), Training(members=3, momentum=True))
        if training.members == 1 or name != "scikit-learn"  # which trains one model at a time
    ],
    ids=str,
)
def test_every_peer_learns(name, training, images):
    """That it is as fast as it is would mean nothing if it did not train."""
    if not is_installed(name):
        pytest.skip(f"{name} is not installed")
    peer = make(name, images)
    peer.start(training)
    before = peer.evaluate()
    for _ in range(50):
        peer.segment()
    assert before < 0.5 < 0.85 < peer.evaluate()


def test_segments_visit_every_image_once_in_an_epoch(images):
    segments = images.segments(1)
    epoch = np.concatenate([next(segments) for _ in range(workloads.PER_EPOCH)])
    assert sorted(epoch) == list(range(1000))


def found(ours=1.0):
    """What one run of all measurements writes, with JAX three times as slow in everything."""
    units = [
        {
            "peer": peer,
            "label": str(training),
            "training": training.to_json(),
            "us_per_image": factor,
            "ms_per_evaluation": 70 * factor,
            "megabytes": 300.0,
        }
        for training in measure.UNITS
        for peer, factor in (("digitsweep", ours), ("JAX", 3.0))
    ]
    jobs = [
        {"job": job, "peer": peer, "seconds": factor, "how": "measured"}
        for job in ("linear grid, 32 runs", "one MLP, momentum", "one MLP, momentum, tanh", "50 random MLPs")
        for peer, factor in (("digitsweep", ours), ("JAX", 3.0))
    ]
    studies = [
        {"study": study, "workers": n, "seconds": 5.0 / n, "storage": 0.1, "megabytes": 400.0}
        for study in ("linear grid", "eight MLPs")
        for n in (1, 2)
    ]
    growth = [
        {"factor": factor, "value": value, "peer": peer, "us_per_image": value * 1.0, "ms_per_evaluation": 1.0}
        for factor in ("members", "width of two layers", "hidden layers of 100")
        for value in (1, 2)
        for peer in ("digitsweep", "JAX")
    ]
    growth.append({"factor": "epochs", "value": 2, "peer": "digitsweep", "seconds": 2.0})
    return {
        "measured": "2026-01-01",
        "command": "make bench",
        "rounds": 1,
        "machine": measure.machine(),
        "pixels_per_image": 150.0,
        "versions": {"digitsweep": "1", "JAX": "2"},
        "missing": ["PyTorch", "scikit-learn"],
        "vector_nanoseconds": {"read, first cache": 0.3, "read and written, first cache": 0.6},
        "against_c": {"ours_ms": 10.0, "c_ms": 9.0},
        "studies": studies,
        "units": units,
        "jobs": jobs,
        "growth": growth,
        "load": 0.1,
        "start_up": {"digitsweep": 1.0, "JAX": 3.0},
        "two_cores": [{"peer": "digitsweep", "cores": n, "seconds": 1.0 / n} for n in (1, 2)],
    }


def test_ratios_are_of_the_peers_that_were_measured():
    table = {ratio.what: ratio for ratio in ratios(found())}
    assert table["linear grid, 32 runs: times faster than JAX"].value == 3.0
    assert not any("PyTorch" in what for what in table)
    assert table["evaluation: speed relative to C with AVX-512"].value == 0.9
    assert table["linear grid, stored: two workers over one"].value == 2.0
    assert all(ratio.holds for ratio in table.values())


def test_a_promise_that_does_not_hold_is_said_in_the_document():
    slow = found(ours=2.0)
    broken = [ratio for ratio in ratios(slow) if not ratio.holds]
    assert {ratio.wanted for ratio in broken} == {3.0, 2.5}
    text = document.markdown(slow)
    assert text.count("**not reached**") == len(broken) == 3
    assert "JAX in updates" not in text
    assert "not reached" not in document.markdown(found())
    assert "JAX in updates of 784–10 (3 against 4 µs)" in document.markdown(found(ours=4.0))


def test_the_document_and_its_chart_are_written(tmp_path):
    document.write(found(), tmp_path)
    text = (tmp_path / "performance.md").read_text()
    assert text.startswith("# Performance\n")
    assert "PyTorch" in text.split("## What is promised")[0], "who is missing is said"
    assert (tmp_path / "performance.png").stat().st_size > 10_000
