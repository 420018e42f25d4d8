"""Signals, sent to real processes: what they leave in the database, how soon, and with which exit code."""

import hashlib
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from search.execution.interrupts import SAME_SECONDS, Interrupts
from tests.search.helpers import all_evaluations, query

ROOT = Path(__file__).parents[3]
# Seconds in all, a few milliseconds a segment.
SHORT = "{hidden_layers: 2, hidden_size: 128, epochs: 200, evaluations_per_epoch: 1}"
# One segment takes half a minute.
LONG = "{hidden_layers: 3, hidden_size: 3200, epochs: 2, evaluations_per_epoch: 1}"


def study(folder, fixed):
    file = folder / "signals.yaml"
    file.write_text(
        "study: signals\nquestion: What does a signal leave?\ndriver: grid\ndataset: digits\n"
        f"fixed: {fixed}\nspace: {{learning_rate: [0.01, 0.02, 0.05]}}\n"
    )
    return file


def start(folder, spec, *options, under=(), group=False):
    """A study in a process of its own, or in one of a process group of its own."""
    return subprocess.Popen(
        [*under, sys.executable, "-m", "search.cli", "run", spec, "--jobs", "2", *options],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=group,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
    )  # fmt: skip


def finish(child):
    out, errors = child.communicate(timeout=300)
    assert child.returncode == 0, (out, errors)


def wait_until(child, condition):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert child.poll() is None, child.communicate()
        try:
            if condition():
                return
        except Exception:  # the database is being made
            time.sleep(0.01)
        time.sleep(0.01)
    pytest.fail("not within two minutes")


def has_evaluations(database, n):
    return lambda: query(database, "SELECT COUNT(*) FROM evaluations")[0][0] >= n


def is_training(database):
    return lambda: query(database, "SELECT COUNT(*) FROM runs WHERE state = 'running'")[0][0] >= 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What the study of `SHORT` comes to when nothing disturbs it."""
    folder = tmp_path_factory.mktemp("whole")
    child = start(folder, study(folder, SHORT))
    finish(child)
    return all_evaluations(folder / "runs.sqlite")


@pytest.mark.slow
def test_each_signal_saves_says_how_to_go_on_and_the_same_bits_follow(tmp_path, whole):
    spec, database = study(tmp_path, SHORT), tmp_path / "runs.sqlite"
    n = 0
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):
        child = start(tmp_path, spec)
        wait_until(child, has_evaluations(database, n + 3 * 10))
        child.send_signal(getattr(signal, name))
        out, errors = child.communicate(timeout=60)
        assert child.returncode == 130, (name, out, errors)
        assert "interrupted; nothing is lost. Go on with:" in out
        ((n_now, states),) = query(database, "SELECT (SELECT COUNT(*) FROM evaluations), group_concat(state) FROM runs")
        assert n_now > n
        assert "running" not in states, "a run is interrupted, not left as if it were in training"
        n = n_now
    child = start(tmp_path, spec)
    finish(child)
    assert all_evaluations(database) == whole


def test_a_signal_that_make_hands_on_twice_is_one(tmp_path):
    spec, database = study(tmp_path, SHORT), tmp_path / "runs.sqlite"
    makefile = tmp_path / "Makefile"
    makefile.write_text(f"go:\n\t@{sys.executable} -m search.cli run {spec.name} --jobs 2\n")
    make = subprocess.Popen(
        ["make", "go"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    wait_until(make, has_evaluations(database, 30))
    os.killpg(make.pid, signal.SIGTERM)
    out, errors = make.communicate(timeout=60)
    assert "interrupted; nothing is lost" in out, errors
    assert "running" not in {state for (state,) in query(database, "SELECT state FROM runs")}


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_second_signal_ends_a_long_segment_at_once(tmp_path, jobs):
    spec, database = study(tmp_path, LONG), tmp_path / "runs.sqlite"
    child = start(tmp_path, spec, "--jobs", jobs)
    wait_until(child, is_training(database))
    time.sleep(0.5)  # into the segment
    child.send_signal(signal.SIGINT)
    time.sleep(SAME_SECONDS + 0.1)
    assert child.poll() is None
    begin = time.monotonic()
    child.send_signal(signal.SIGINT)
    out, errors = child.communicate(timeout=60)
    assert time.monotonic() - begin < 6, "a segment takes far longer than that"
    assert child.returncode == 130, errors
    assert "Go on with:" in out
    assert {state for (state,) in query(database, "SELECT state FROM runs")} == {"interrupted"}


@pytest.mark.slow
def test_a_hangup_that_nohup_ignores_is_ignored(tmp_path):
    spec, database = study(tmp_path, SHORT), tmp_path / "runs.sqlite"
    child = start(tmp_path, spec, under=["nohup"])
    wait_until(child, has_evaluations(database, 30))
    child.send_signal(signal.SIGHUP)
    wait_until(child, has_evaluations(database, 300))
    child.send_signal(signal.SIGINT)
    out, errors = child.communicate(timeout=60)
    assert child.returncode == 130, (out, errors)
    assert "SIGHUP" not in out


def test_a_closed_terminal_ends_the_study_with_everything_saved(tmp_path):
    spec, database = study(tmp_path, SHORT), tmp_path / "runs.sqlite"
    terminal, its_end = pty.openpty()
    os.set_blocking(terminal, False)
    child = subprocess.Popen(
        [sys.executable, "-m", "search.cli", "run", spec, "--jobs", "2"], cwd=tmp_path,
        stdin=its_end, stdout=its_end, stderr=its_end, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
    )  # fmt: skip
    os.close(its_end)

    def is_under_way():
        with suppress(BlockingIOError):
            os.read(terminal, 1 << 16)  # what is shown must be read, or it stops being written
        return has_evaluations(database, 30)()

    wait_until(child, is_under_way)
    os.close(terminal)  # from here on, writing to it is an error
    child.send_signal(signal.SIGHUP)
    assert child.wait(timeout=60) == 130
    assert "running" not in {state for (state,) in query(database, "SELECT state FROM runs")}


@pytest.mark.slow
def test_kills_a_few_seconds_apart_make_progress(tmp_path, whole):
    spec, database = study(tmp_path, SHORT), tmp_path / "runs.sqlite"

    def checkpointed():
        return query(database, "SELECT COALESCE(SUM(k), 0) FROM checkpoints")[0][0]

    reached = 0
    for _ in range(2):
        child = start(tmp_path, spec)
        wait_until(child, lambda reached=reached: checkpointed() > reached)
        child.kill()
        child.communicate()
        reached = checkpointed()
    finish(start(tmp_path, spec))
    assert all_evaluations(database) == whole


def until(condition):
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert condition()


class TestInterrupts:
    def test_a_signal_right_after_another_is_the_same_and_a_later_one_stops_at_once(self):
        with Interrupts() as interrupts:
            assert (interrupts.stopping, interrupts.at_once, interrupts.name) == (False, False, None)
            for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
                signal.raise_signal(number)
            until(lambda: interrupts.stopping)
            time.sleep(2 * SAME_SECONDS)
            assert (interrupts.at_once, interrupts.name) == (False, "SIGTERM")
            signal.raise_signal(signal.SIGINT)
            until(lambda: interrupts.at_once)
            time.sleep(2 * SAME_SECONDS)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
                time.sleep(30)

    def test_signals_that_come_during_one_long_call_are_told_apart(self):
        """Their handlers run once for both, after it."""

        def work(rounds):
            hashlib.pbkdf2_hmac("sha256", b"a", b"b", rounds)  # without the interpreter's lock

        def send():
            for _ in range(2):
                time.sleep(SAME_SECONDS + 0.1)
                os.kill(os.getpid(), signal.SIGINT)

        begin = time.monotonic()
        work(100_000)
        rounds = int(100_000 * 6 * SAME_SECONDS / (time.monotonic() - begin))
        with Interrupts() as interrupts:
            sender = threading.Thread(target=send)
            sender.start()
            work(rounds)
            sender.join()
            until(lambda: interrupts.at_once)

    def test_handlers_come_back_when_the_same_signal_cannot_come_again(self):
        before = signal.getsignal(signal.SIGTERM)
        with Interrupts():
            begin = time.monotonic()
            signal.raise_signal(signal.SIGTERM)
            time.sleep(0.01)
        assert time.monotonic() - begin >= SAME_SECONDS
        assert signal.getsignal(signal.SIGTERM) is before
        assert signal.set_wakeup_fd(-1) == -1
