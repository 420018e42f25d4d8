"""Where training happens: joblib threads that take a segment and give back its states and evaluations.

    coordinator ── Segment(states) ──> worker: advance, evaluate ── Result(states, evaluations, seconds) ──> coordinator

Workers never open the database. The kernels release the interpreter, so threads share one read-only data set and scale
over cores; BLAS is held to one thread in each.

Where a worker would have nothing to do, a task is worked on by two: one evaluates while the other looks ahead, which is
to begin the next segment on the assumption that it will be asked for. The assumption is checked against the
segment that comes; a segment is a pure function of its states, so nobody else need know.

    without   advance k │ evaluate k │ advance k+1 │ evaluate k+1 │
    with      advance k │ advance k+1 │ advance k+2 │
                        │ evaluate k  │ evaluate k+1 │

A run whose kernels divide it among threads (`engine.training.is_divided`) is given the cores that no other needs, and
both halves of its segments are divided. It comes to the same bits.
"""

import queue
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from joblib import Parallel, delayed

from engine.blas import one_blas_thread
from engine.data.dataset import Dataset
from engine.state import Evaluation, TrainingState
from engine.training import advance, evaluate, foreseen, is_divided


@dataclass(frozen=True)
class Segment:
    """The next segment of a task, which is a run, or several that train in lock-step, from first to last segment.

    Attributes:
        task: number of the task.
        states: of its runs, all at the same k.
        dataset: what they are trained on.
        n_threads: how many work on it, for as long as it takes.
    """

    task: int
    states: list[TrainingState]
    dataset: Dataset
    n_threads: int = 1


@dataclass(frozen=True)
class Result:
    """What came of a segment.

    Attributes:
        task: as in the segment.
        states: the runs after the segment; as before it where there was an error.
        evaluations: one for each run, None where it diverged.
        train_seconds: time spent on updates.
        evaluate_seconds: time spent on evaluations.
        error: traceback of an exception, or None.
    """

    task: int
    states: list[TrainingState]
    evaluations: list[Evaluation | None]
    train_seconds: float
    evaluate_seconds: float
    error: str | None = None


@dataclass
class _Ahead:
    """A segment begun before it was asked for: from which states, and once it is done, to which."""

    start: list[TrainingState]
    moved: list[TrainingState] | None = None
    seconds: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)

    def fits(self, states: Sequence[TrainingState]) -> bool:
        """Whether these are the states that it began with, so that it comes to the same end."""
        return len(states) == len(self.start) and all(
            a.parameters is b.parameters
            and (a.k, a.updates, a.learning_rate, a.diverged_at) == (b.k, b.updates, b.learning_rate, b.diverged_at)
            for a, b in zip(states, self.start, strict=True)
        )


@dataclass(frozen=True)
class _Evaluation:
    """The second half of a segment, for another worker."""

    segment: Segment
    moved: list[TrainingState]
    train_seconds: float


class Workers:
    """A pool of `n_jobs` workers; use it as made by `workers`."""

    def __init__(self, n_jobs: int) -> None:
        self.n_jobs = n_jobs
        self._jobs: queue.SimpleQueue[Segment | _Evaluation | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._open: dict[int, int] = {}  # the threads of each task that is being worked on
        self._ahead: dict[int, _Ahead] = {}
        self._last_task: int | None = None
        self._n_busy, self._busy = 0, threading.Lock()
        # One job has a thread of its own too, so that the caller's can answer signals while a segment is trained;
        # joblib makes none for a pool of one.
        pool = Parallel(n_jobs=max(2, n_jobs), backend="threading", return_as="generator", pre_dispatch="all")
        self._pool: Iterator[Any] = pool(delayed(self._serve)() for _ in range(n_jobs))
        self._given_up = False

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            n_threads = job.n_threads if isinstance(job, Segment) else 1
            self._change_busy(n_threads)
            ahead = self._perform(job)
            self._change_busy(-n_threads)
            if ahead is not None:  # whoever waits for it has to find this worker free
                ahead.done.set()

    def _change_busy(self, by: int) -> None:
        with self._busy:
            self._n_busy += by

    def _is_anyone_idle(self) -> bool:
        with self._busy:
            return self._n_busy < self.n_jobs and self._jobs.empty()

    def _perform(self, job: Segment | _Evaluation) -> _Ahead | None:
        """One job; an exception comes back as text instead of ending the study."""
        segment = job if isinstance(job, Segment) else job.segment
        ahead = None
        try:
            if isinstance(job, Segment):
                moved, seconds = self._advanced(job)
                start = foreseen(moved) if self._is_anyone_idle() else None
                if start is not None:
                    ahead = self._ahead[segment.task] = _Ahead(start)
                    self._jobs.put(_Evaluation(job, moved, seconds))
                    begin = time.perf_counter()
                    ahead.moved = advance(start, segment.dataset)
                    ahead.seconds = time.perf_counter() - begin
                    return ahead
                job = _Evaluation(job, moved, seconds)
            begin = time.perf_counter()
            states, evaluations = evaluate(job.moved, segment.dataset, predictions=True, n_threads=segment.n_threads)
            self._results.put(Result(segment.task, states, evaluations, job.train_seconds, time.perf_counter() - begin))
        except Exception:
            if ahead is not None:  # the segment is tried again, and fails, when it is asked for
                return ahead
            failed = Result(
                segment.task, segment.states, [None] * len(segment.states), 0.0, 0.0, traceback.format_exc()
            )
            self._results.put(failed)
        return None

    def _advanced(self, segment: Segment) -> tuple[list[TrainingState], float]:
        """The states after their updates, and the seconds that these took."""
        ahead = self._ahead.pop(segment.task, None)
        if ahead is not None and ahead.fits(segment.states):
            ahead.done.wait()
            if ahead.moved is not None:
                return ahead.moved, ahead.seconds
        begin = time.perf_counter()
        moved = advance(segment.states, segment.dataset, n_threads=segment.n_threads)
        return moved, time.perf_counter() - begin

    @property
    def n_free(self) -> int:
        """Workers that have nothing to do."""
        return self.n_jobs - len(self._open)

    def submit(self, task: int, states: list[TrainingState], dataset: Dataset, n_waiting: int = 0) -> None:
        """Hand a task's next segment to the next free worker.

        Args:
            task, states, dataset: as in `Segment`.
            n_waiting: tasks that are about to be submitted too, as far as there are workers.
        """
        n_threads = 1
        if is_divided(states, dataset):
            n_sharing = 1 + min(n_waiting, self.n_free - 1)
            n_threads = max(1, ceil((self.n_jobs - sum(self._open.values())) / n_sharing))
        self._open[task] = n_threads
        segment = Segment(task, states, dataset, n_threads)
        if segment.task == self._last_task:
            self._last_task = None
        self._jobs.put(segment)

    def next_result(self, timeout: float | None = None) -> Result | None:
        """The next result; None where none came within `timeout` seconds.

        A task that goes on is submitted again before the next result is asked for; otherwise what was begun of it ahead
        is dropped.
        """
        if self._last_task is not None:
            self._ahead.pop(self._last_task, None)
        try:
            result = self._results.get(timeout=timeout)
        except queue.Empty:
            return None
        del self._open[result.task]
        self._last_task = result.task
        return result

    def give_up(self) -> None:
        """Do not wait for the segments in training when the pool is closed; what comes of them is dropped."""
        self._given_up = True

    def close(self) -> None:
        """End the workers' threads; segments not begun are dropped."""
        while True:
            try:
                self._jobs.get_nowait()
            except queue.Empty:
                break
        for _ in range(self.n_jobs):
            self._jobs.put(None)
        if self._given_up:
            threading.Thread(target=self._join, daemon=True).start()
        else:
            self._join()

    def _join(self) -> None:
        for _ in self._pool:
            pass


@contextmanager
def workers(n_jobs: int) -> Iterator[Workers]:
    """A pool for the length of a block, with BLAS at one thread per worker."""
    with one_blas_thread():
        pool = Workers(n_jobs)
        try:
            yield pool
        except BaseException:
            pool.give_up()
            raise
        finally:
            pool.close()
