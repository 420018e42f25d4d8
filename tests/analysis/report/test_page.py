"""The page: complete, honest, self-contained, the same twice; and in a real browser."""

import dataclasses
import html.parser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.figures.drawing import NAMES
from analysis.report import build
from analysis.report.content import Content, content
from analysis.report.page import TEMPLATES, inline_svg
from analysis.tables import Tables
from analysis.trials import ranked_trials
from analysis.wording import ranges


@pytest.fixture(scope="module")
def page(synthetic_database, tmp_path_factory):
    return build(synthetic_database, tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def digits_page(digits_database, tmp_path_factory):
    return build(digits_database, tmp_path_factory.mktemp("digits-report"))


def test_the_page_is_the_same_twice(digits_database, digits_page, tmp_path):
    again = build(digits_database, tmp_path)
    assert again.read_bytes() == digits_page.read_bytes()
    assert (tmp_path / "report.md").read_bytes() == (digits_page.parent / "report.md").read_bytes()


@pytest.mark.slow
def test_the_whole_page_is_the_same_in_two_processes(synthetic_database, tmp_path):
    code = (
        "import sys; from pathlib import Path; from analysis.report import build; build(sys.argv[1], Path(sys.argv[2]))"
    )
    for name in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": name}
        command = [sys.executable, "-c", code, synthetic_database, str(tmp_path / name)]
        subprocess.run(command, cwd=Path(__file__).parents[3], env=environment, check=True)
    files = [sorted(p.relative_to(tmp_path / n) for p in (tmp_path / n).rglob("*") if p.is_file()) for n in ("1", "2")]
    assert files[0] == files[1]
    assert len(files[0]) > len(NAMES)
    for file in files[0]:
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes(), file


def test_the_page_needs_nothing_from_outside(page):
    text = page.read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", text))
    # Names of the SVG vocabulary, not addresses that are fetched.
    assert all(address.startswith("http://www.w3.org/") for address in addresses)
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)|@import|url\((?!#)", text)


def test_ids_are_unique_and_references_lead_somewhere(page):
    class Ids(html.parser.HTMLParser):
        def __init__(self):
            super().__init__()
            self.ids, self.targets = [], set()

        def handle_starttag(self, tag, attrs):
            for name, value in attrs:
                if name == "id":
                    self.ids.append(value)
                if name == "href" and value.startswith("#"):
                    self.targets.add(value[1:])

    parser = Ids()
    parser.feed(page.read_text(encoding="utf-8"))
    assert len(parser.ids) == len(set(parser.ids))
    assert parser.targets
    assert parser.targets <= set(parser.ids)


@pytest.mark.parametrize(
    ("template", "in_other_words"),
    [("report.html.j2", {"dataset"}), ("report.md.j2", {"dataset", "verdicts"})],  # which title and summary say
)
def test_everything_that_is_computed_is_on_both_pages(template, in_other_words):
    source = (TEMPLATES / template).read_text(encoding="utf-8")
    missing = {field.name for field in dataclasses.fields(Content) if f"page.{field.name}" not in source}
    assert missing == in_other_words


def test_markdown_says_what_the_page_says(page, tables):
    markdown = (page.parent / "report.md").read_text(encoding="utf-8")
    shown = content(tables)
    for finding in shown.findings:
        assert finding.claim.statement in markdown
        assert finding.sentence in markdown
        assert f"Runs: {ranges(finding.run_ids)}" in markdown
    pictures = re.findall(r"\]\((figures/[^)]+)\)", markdown)
    assert len(pictures) == len(NAMES)
    assert all((page.parent / name).exists() for name in pictures)
    assert not re.search(r"\n\n\n\n", markdown)


def test_digits_are_called_digits(digits_page):
    text = digits_page.read_text(encoding="utf-8")
    assert "<h1>A rehearsal on digits, not MNIST</h1>" in text
    assert "These runs are on digits, not on MNIST" in text
    assert "make mlp-random N=50 DATASET=digits" in text


def test_an_incomplete_study_is_announced(tables):
    runs = tables.runs.copy()
    runs.loc[runs["run_id"] == 5, "state"] = "interrupted"
    runs = runs[runs["run_id"] != 8]
    notices = content(Tables("mnist", runs, tables.curves)).notices
    assert any(
        "linear-grid is incomplete: 1 runs are not finished, 1 trials have no run" in notice for notice in notices
    )
    assert any("31 of the report's 32 configurations" in notice for notice in notices)


@pytest.mark.parametrize(("frozen", "says"), [(0, "It is selection 7, frozen on 2026-11-24."), (1, "Frozen was trial")])
def test_the_page_says_whether_its_choice_is_the_frozen_one(tables, frozen, says):
    ranked = ranked_trials(tables.complete("linear-grid"))
    number = int(ranked["trial_number"].iloc[frozen])
    row = {
        "study": "linear-grid",
        "selection_id": 7,
        "trial_number": number,
        "n_trials": 32,
        "selected_at": "2026-11-24T",
    }
    with_choice = dataclasses.replace(tables, selections=pd.DataFrame([row]))
    (sentence,) = (s for s in content(with_choice).selection_sentences if s.startswith("linear-grid:"))
    assert says in sentence


def test_inline_svg_takes_the_colours_of_the_page():
    text = '<?xml?>\n<svg width="10pt" viewBox="0 0 1 1"><g id="a" style="fill: #1b1f24"/>'
    text += '<use href="#a" style="stroke: #0072b2"/></svg>'
    assert inline_svg(text, "n", "title") == (
        '<svg viewBox="0 0 1 1" role="img" aria-label="title"><g id="n-a" style="fill: currentColor"/>'
        '<use href="#n-a" style="stroke: var(--c0072b2)"/></svg>'
    )


def test_environment_and_selection_are_on_the_page(page):
    text = page.read_text(encoding="utf-8")
    assert "<dt>code version</dt><dd>synthetic</dd>" in text
    assert "optimistic (" in text
    assert "The choice is not frozen yet: make select STUDY=linear-grid." in text
    assert "highest validation accuracy, each run read at its best evaluation" in text


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not installed")
    switches = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=[*switches, "--disable-sync", "--no-first-run"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, page):
    def open_page(width, scheme):
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        messages, requests = [], []
        tab.on("console", lambda message: messages.append(message.text))
        tab.on("pageerror", lambda error: messages.append(str(error)))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(page.as_uri())
        return tab, messages, requests

    return open_page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_page_in_chromium(opened, page, width, scheme):
    tab, messages, requests = opened(width, scheme)
    assert messages == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    boxes = tab.evaluate("[...document.querySelectorAll('figure svg')].map(s => s.getBoundingClientRect().toJSON())")
    assert len(boxes) == len(NAMES)
    assert all(box["width"] > 0.75 * min(width, 700) and box["height"] > 80 for box in boxes)
    assert all(box["left"] >= 0 and box["right"] <= width for box in boxes)
    contrast = tab.evaluate(
        """() => { const number = c => c.match(/[0-9.]+/g).slice(0, 3).map(Number).map(v => { v /= 255;
             return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
           const light = c => { const [r, g, b] = number(c); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
           const texts = 'p, h1, h2, h3, figcaption, td, .verdict, figure svg';
           return [...document.querySelectorAll(texts)].map(e => {
             let back = e;
             while (getComputedStyle(back).backgroundColor === 'rgba(0, 0, 0, 0)') back = back.parentElement;
             const [x, y] = [light(getComputedStyle(e).color), light(getComputedStyle(back).backgroundColor)];
             return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); }); }"""
    )
    # WCAG AA for text of normal size.
    assert min(contrast) >= 4.5


def test_tables_sort_by_number_in_chromium(opened):
    tab, messages, _ = opened(1280, "light")
    table = tab.locator("table.sortable").last
    column = table.locator("th", has_text="trials")
    read = "t => [...t.tBodies[0].rows].map(r => Number(r.cells[2].dataset.key))"
    column.locator("button").click()
    assert column.get_attribute("aria-sort") == "ascending"
    values = table.evaluate(read)
    assert values == sorted(values)
    column.locator("button").click()
    assert table.evaluate(read) == sorted(values, reverse=True)
    assert messages == []


def test_page_prints_in_chromium(opened, tmp_path):
    tab, messages, _ = opened(1280, "dark")
    tab.emulate_media(media="print")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(tab.pdf(path=str(tmp_path / "page.pdf"))) > 10_000
    assert messages == []
