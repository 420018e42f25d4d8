"""Optuna's dashboard on our file, in a real browser: studies, trials and validation curves are shown."""

import shutil
import socket
import threading
import time
import urllib.request
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from search import run_study
from search.store.database import database_url
from tests.search.helpers import make_spec

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def dashboard(database, tiny):
    import optuna_dashboard
    from optuna.storages import RDBStorage

    run_study(make_spec(), tiny, database=database, n_jobs=1)
    storage = RDBStorage(database_url(database))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = make_server("127.0.0.1", port, optuna_dashboard.wsgi(storage), handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    thread.join()
    server.server_close()
    storage.remove_session()
    storage.engine.dispose()


def test_dashboard_serves_every_trial_with_its_curve(dashboard):
    import json

    with urllib.request.urlopen(f"{dashboard}/api/studies/1?after=0") as answer:
        study = json.load(answer)
    assert len(study["trials"]) == 6
    for trial in study["trials"]:
        assert trial["state"] == "Complete"
        assert len(trial["intermediate_values"]) == 6
        assert {p["name"] for p in trial["params"]} == {"learning_rate", "momentum"}
    assert "Does the search work?" in study["note"]["body"]


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_dashboard_page_shows_the_study_in_a_browser(dashboard):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(f"{dashboard}/dashboard/")
        page.get_by_text("tiny-grid@tiny").first.wait_for(timeout=30_000)
        page.goto(f"{dashboard}/dashboard/studies/1")
        page.get_by_text("Intermediate values").first.wait_for(timeout=30_000)
        # Each curve of the plot of intermediate values is named after its trial.
        deadline = time.monotonic() + 30
        while "trial #5" not in (text := page.content()) and time.monotonic() < deadline:
            page.wait_for_timeout(200)
        assert "trial #5" in text
        page.goto(f"{dashboard}/dashboard/studies/1/trials?numbers=0")
        page.get_by_text("learning_rate").first.wait_for(timeout=30_000)
        browser.close()
