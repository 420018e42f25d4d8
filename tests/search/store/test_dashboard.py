"""Optuna's dashboard on our file, in a real browser: every driver's study, whole and while it runs."""

import json
import re
import shutil
import socket
import threading
import time
import urllib.request
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from search import run_study
from search.confirm import ConfirmDriver, confirmation, confirmation_spec
from search.execution.progress import SilentDisplay
from tests.search.helpers import make_spec, query

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
BRIEF = {"hidden_layers": 1, "epochs": 2, "evaluations_per_epoch": 3}
SMALL = {**BRIEF, "hidden_size": 4}
RATES = {"learning_rate": {"low": 0.001, "high": 1.0, "scale": "log"}, "hidden_size": {"low": 4, "high": 12}}
SPECS = [
    {},
    {"study": "drawn", "driver": "random", "trials": 7, "fixed": BRIEF, "space": RATES},
    {
        "study": "learning", "driver": "optuna", "trials": 12, "pruner": "successive_halving", "space": RATES,
        "fixed": BRIEF,
    },
    {"study": "factors", "driver": "ofat", "replicates": 2, "fixed": {**SMALL, "activation": "relu"},
     "space": {"hidden_size": [4, 6, 8], "activation": ["relu", "tanh"]}},
]  # fmt: skip


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        """Say nothing."""


@contextmanager
def serving(database):
    import optuna_dashboard
    from optuna.storages import RDBStorage

    storage = RDBStorage(f"sqlite:///{database}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = make_server("127.0.0.1", port, optuna_dashboard.wsgi(storage), handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        storage.remove_session()
        storage.engine.dispose()


@contextmanager
def browsing():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 1400})
        page.set_default_timeout(30_000)
        yield page
        browser.close()


def curves_shown(page, n_expected):
    """Trial numbers in the legend of the plot of intermediate values, when as many as expected are there."""
    deadline = time.monotonic() + 30
    while True:
        shown = {int(number) for number in re.findall(r"trial #(\d+)", page.content())}
        if len(shown) >= n_expected or time.monotonic() > deadline:
            return shown
        page.wait_for_timeout(200)


def served(url, study_id):
    with urllib.request.urlopen(f"{url}/api/studies/{study_id}?after=0") as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """A database with a study of every driver."""
    from tests.conftest import make_dataset

    database, tiny = str(tmp_path_factory.mktemp("dashboard") / "runs.sqlite"), make_dataset()
    for changes in SPECS:
        run_study(make_spec(**changes), tiny, database=database, n_jobs=1)
    source = confirmation(database, "tiny-grid", 3)
    run_study(
        confirmation_spec(source, 2), tiny, database=database, n_jobs=1,
        driver=ConfirmDriver(source.ranked), name=source.name,
    )  # fmt: skip
    return database


def known(database):
    """(study_id, name, question, command, curves by trial number) of every study, from our own tables."""
    rows = query(database, "SELECT study_id, name, question, command FROM sweep_studies ORDER BY study_id")
    for study_id, name, question, command in rows:
        lengths = query(
            database,
            "SELECT t.trial_number, COUNT(DISTINCT e.k) FROM sweep_trials t JOIN runs r ON r.trial_id = t.trial_id "
            "JOIN evaluations e ON e.run_id = r.run_id WHERE t.study_id = :study GROUP BY 1",
            study=study_id,
        )
        yield study_id, name, question, command, dict(lengths)


def test_dashboard_serves_every_trial_with_its_params_and_curve(studies):
    with serving(studies) as url:
        for study_id, _, question, command, lengths in known(studies):
            study = served(url, study_id)
            assert {t["number"]: len(t["intermediate_values"]) for t in study["trials"]} == lengths
            assert {t["state"] for t in study["trials"]} <= {"Complete", "Pruned"}
            params = dict(
                query(studies, "SELECT trial_number, params FROM sweep_trials WHERE study_id = :s", s=study_id)
            )
            for trial in study["trials"]:
                assert {p["name"] for p in trial["params"]} == set(json.loads(params[trial["number"]]))
            assert question in study["note"]["body"]
            assert f"`{command}`" in study["note"]["body"]
            assert study["objective_names"] == ["validation accuracy"]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_every_studys_pages_show_trials_curves_importance_coordinates_and_note(studies):
    with serving(studies) as url, browsing() as page:
        page.goto(f"{url}/dashboard/")
        for study_id, name, question, command, lengths in list(known(studies)):
            page.goto(f"{url}/dashboard/")
            page.get_by_text(name).first.wait_for()
            page.goto(f"{url}/dashboard/studies/{study_id}")
            page.get_by_text("Intermediate values").first.wait_for()
            assert curves_shown(page, len(lengths)) == set(lengths), name
            page.get_by_text("Hyperparameter Importance").first.wait_for()
            page.locator("#plot-history .plot-container, #graph-history .plot-container").first.wait_for()
            page.goto(f"{url}/dashboard/studies/{study_id}/trials")
            page.get_by_text(f"Trial {max(lengths)}", exact=False).first.wait_for()
            page.goto(f"{url}/dashboard/studies/{study_id}/smartSelection")
            page.locator("#plot-parallel-coordinate .parcoords").first.wait_for()
            page.goto(f"{url}/dashboard/studies/{study_id}/note")
            page.get_by_text(question).first.wait_for()
            page.get_by_text(command).first.wait_for()


class Pause(SilentDisplay):
    """Holds a study when a number of evaluations has been made, until told to go on."""

    def __init__(self, at):
        super().__init__()
        self.at, self.reached, self.go_on = at, threading.Event(), threading.Event()

    def update(self, counts):
        if counts.evaluations_done >= self.at and not self.reached.is_set():
            self.reached.set()
            assert self.go_on.wait(60)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_study_is_shown_while_it_runs(database, tiny, monkeypatch):
    monkeypatch.setattr("search.execution.saving.SAVE_SECONDS", 0.0)
    pause = Pause(at=15)  # two trials of six evaluations have ended, half of the third is there
    spec = make_spec(fixed=SMALL)
    study = threading.Thread(
        target=run_study, args=(spec, tiny), kwargs={"database": database, "n_jobs": 1, "display": pause}
    )
    study.start()
    try:
        assert pause.reached.wait(60)
        with serving(database) as url, browsing() as page:
            states = [(t["state"], len(t["intermediate_values"])) for t in served(url, 1)["trials"]]
            assert states[:2] == [("Complete", 6), ("Complete", 6)]
            assert states[2][0] == "Running"
            assert 1 <= states[2][1] < 6
            page.goto(f"{url}/dashboard/studies/1")
            page.get_by_text("Intermediate values").first.wait_for()
            assert {0, 1, 2} <= curves_shown(page, 3)
            pause.go_on.set()
            study.join(60)
            page.reload()
            assert curves_shown(page, 6) == set(range(6))
    finally:
        pause.go_on.set()
        study.join(60)
