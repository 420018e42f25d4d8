"""What a person is shown while a study runs agrees with what is in the database."""

from copy import copy

import pytest
from rich.console import Console

from search import run_study
from search.execution.progress import Counts, SilentDisplay, terminal_display
from tests.search.helpers import make_spec, query


class Recorder(SilentDisplay):
    def __init__(self):
        super().__init__()
        self.seen = []

    def update(self, counts):
        self.seen.append(copy(counts))


def test_counts_follow_the_study_to_its_end_and_over_a_second_command(database, tiny):
    space = {"learning_rate": [0.01, 0.05, 1e38], "momentum": [False]}
    for spec in (make_spec(space=space), make_spec(space=space, replicates=2)):
        display = Recorder()
        run_study(spec, tiny, database=database, n_jobs=2, display=display)
        last = display.seen[-1]
        (n_evaluations, best) = query(
            database, "SELECT COUNT(*), MAX(accuracy) FROM evaluations WHERE split = 'validation'"
        )[0]
        assert last == Counts(
            "tiny-grid@tiny", trials_done=3, trials=3, evaluations_done=n_evaluations, evaluations=n_evaluations,
            best=best, failed=1,
        )  # fmt: skip
        done = [counts.evaluations_done for counts in display.seen]
        assert done == sorted(done)


def test_the_bar_of_an_adaptive_study_reckons_with_trials_to_come():
    console = Console(width=120, record=True, force_terminal=False)
    with terminal_display(console) as display:
        display.update(Counts("x", trials_done=2, trials=3, planned=10, evaluations_done=10, evaluations=15))
    assert "trials 2/10 · evaluations 10/50" in console.export_text()


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_the_line_of_a_study_is_cut_at_no_width(width):
    console = Console(width=width, record=True, force_terminal=False)
    with terminal_display(console) as display:
        display.update(Counts("a-study-of-a-long-name@digits", 3, 4, 0, 5_000, 12_000, best=0.975, failed=1))
    shown = console.export_text()
    assert "…" not in shown
    words = {
        "trials",
        "3/4,",
        "1",
        "failed",
        "or",
        "diverged",
        "·",
        "evaluations",
        "5000/12000",
        "best",
        "97.50%",
        "left",
    }
    assert words <= set(shown.split())


def test_a_study_that_does_not_begin_shows_nothing():
    console = Console(width=80, record=True, force_terminal=False)
    with terminal_display(console):
        pass
    assert console.export_text() == ""
