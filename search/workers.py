"""Where training happens: joblib threads that take a segment and give back its states and evaluations.

    coordinator ── Task(states) ──> worker: advance, evaluate ── Result(states, evaluations, seconds) ──> coordinator

Workers keep nothing between tasks and never open the database. The kernels release the interpreter, so
threads share one read-only data set and scale over cores; BLAS is held to one thread in each.
"""

import queue
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from engine.data import Dataset
from engine.state import Evaluation, TrainingState
from engine.training import advance, evaluate


@dataclass(frozen=True)
class Task:
    """The next segment of a unit: runs that train in lock-step, or one run."""

    unit: int
    states: list[TrainingState]


@dataclass(frozen=True)
class Result:
    """What came of a task.

    Attributes:
        unit: as in the task.
        states: the runs after the segment; as before it where there was an error.
        evaluations: one for each run, None where it diverged.
        train_seconds: time spent on updates.
        evaluate_seconds: time spent on evaluations.
        error: traceback of an exception, or None.
    """

    unit: int
    states: list[TrainingState]
    evaluations: list[Evaluation | None]
    train_seconds: float
    evaluate_seconds: float
    error: str | None = None


def perform(task: Task, dataset: Dataset) -> Result:
    """Train and evaluate one segment; an exception comes back as text instead of ending the study."""
    try:
        start = time.perf_counter()
        moved = advance(task.states, dataset)
        middle = time.perf_counter()
        states, evaluations = evaluate(moved, dataset)
        end = time.perf_counter()
    except Exception:
        return Result(task.unit, task.states, [None] * len(task.states), 0.0, 0.0, traceback.format_exc())
    return Result(task.unit, states, evaluations, middle - start, end - middle)


class Workers:
    """A pool of `n_jobs` workers; use it as made by `workers`."""

    def __init__(self, dataset: Dataset, n_jobs: int) -> None:
        self.n_jobs = n_jobs
        self._dataset = dataset
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._n_open = 0
        self._pool: Iterator[Any] | None = None
        if n_jobs > 1:
            self._pool = Parallel(n_jobs=n_jobs, backend="threading", return_as="generator", pre_dispatch="all")(
                delayed(self._serve)() for _ in range(n_jobs)
            )

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._results.put(perform(task, self._dataset))

    @property
    def n_free(self) -> int:
        """Workers that have nothing to do."""
        return self.n_jobs - self._n_open

    def submit(self, task: Task) -> None:
        """Hand a task to the next free worker."""
        self._n_open += 1
        self._tasks.put(task)

    def next_result(self, timeout: float | None = None) -> Result | None:
        """The next result; None where none came within `timeout` seconds.

        With one job the task is done here and now, in the caller's thread.
        """
        if self._pool is None:
            task = self._tasks.get_nowait()
            assert task is not None
            result = perform(task, self._dataset)
        else:
            try:
                result = self._results.get(timeout=timeout)
            except queue.Empty:
                return None
        self._n_open -= 1
        return result

    def close(self) -> None:
        """End the workers' threads; tasks not begun are dropped."""
        if self._pool is None:
            return
        while True:
            try:
                self._tasks.get_nowait()
            except queue.Empty:
                break
        for _ in range(self.n_jobs):
            self._tasks.put(None)
        for _ in self._pool:
            pass


@contextmanager
def workers(dataset: Dataset, n_jobs: int) -> Iterator[Workers]:
    """A pool for the length of a block, with BLAS at one thread per worker."""
    with threadpool_limits(limits=1):
        pool = Workers(dataset, n_jobs)
        try:
            yield pool
        finally:
            pool.close()
