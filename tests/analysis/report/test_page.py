"""The pages: complete, honest, self-contained, the same twice; and in a real browser."""

import dataclasses
import html.parser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.claims.judge import examine
from analysis.report import build
from analysis.report.content import Section, pages
from analysis.report.methods import methods
from analysis.report.page import TEMPLATES, inline_svg
from analysis.report.sentences import Said
from analysis.studies import read_studies
from analysis.wording import ranges
from benchmarks import synthetic
from tests.analysis.claims.helpers import study_of
from tests.analysis.figures.conftest import among, learned, study

N_FIGURES = 20
"""The pages of the tests have more."""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Some of the project's studies: with and without a confirmation, claims, figures by number, a page."""
    path = tmp_path_factory.mktemp("some") / "runs.sqlite"
    some = ("linear-grid", "linear-grid-confirm", "mlp-fidelity", "ofat-depth", "mlp-best")
    synthetic.write(str(path), n_random=8, only=some)
    return str(path)


@pytest.fixture(scope="module")
def studies(database):
    return read_studies(database)


@pytest.fixture(scope="module")
def page(database, tmp_path_factory):
    return build(database, tmp_path_factory.mktemp("report"))[0]


@pytest.fixture(scope="module")
def both(studies):
    """The main page, and the one that its studies share."""
    return pages(studies)


@pytest.fixture(scope="module")
def everything(both):
    return both[0]


def own(**keys):
    """A stranger's study: hidden size and dropout, three replicates, two claims."""
    claims = [
        {
            "claim": "Half of the units can be dropped.",
            "compare": {"factor": "dropout_hidden", "level": 0.5, "against": 0.0},
            "expect": "same",
            "margin": 0.05,
        },
        {"claim": "Wider is better.", "trend": {"factor": "hidden_size"}, "expect": "rises"},
    ]
    space = {"hidden_size": [8, 16, 64], "dropout_hidden": [0.0, 0.2, 0.5]}
    return study("wine", "grid", space, learned, replicates=3, **{"claims": claims, **keys})


def said(findings):
    """Findings but for p values that do not exist, of which no two are equal."""
    return [(f.study, f.claim, f.verdict, f.sentence, f.numbers, f.run_ids) for f in findings]


def test_the_page_is_the_same_twice(digits_database, tmp_path):
    once, again = (build(digits_database, tmp_path / n, "linear-grid@digits")[0] for n in ("1", "2"))
    assert once.read_bytes() == again.read_bytes()
    assert once.with_suffix(".md").read_bytes() == again.with_suffix(".md").read_bytes()


@pytest.mark.slow
def test_the_whole_page_is_the_same_in_two_processes(database, tmp_path):
    code = (
        "import sys; from pathlib import Path; from analysis.report import build; build(sys.argv[1], Path(sys.argv[2]))"
    )
    for name in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": name}
        command = [sys.executable, "-c", code, database, str(tmp_path / name)]
        subprocess.run(command, cwd=Path(__file__).parents[3], env=environment, check=True)
    files = [sorted(p.relative_to(tmp_path / n) for p in (tmp_path / n).rglob("*") if p.is_file()) for n in ("1", "2")]
    assert files[0] == files[1]
    assert len(files[0]) > N_FIGURES
    for file in files[0]:
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes(), file


def test_an_own_study_is_headed_by_its_question_and_answered_first():
    (content,) = pages(among(own()))
    (section,) = content.sections
    assert content.title == section.study.question
    first, second = section.findings
    assert section.verdicts == (
        f"Half of the units can be dropped: {first.verdict}. Wider is better: {second.verdict}."
    )
    assert re.fullmatch(
        r"Selected on validation: hidden size 64, dropout of hidden units 0.5. It reaches \d\d.\d\d % on test "
        r"\(95 % interval over 3 runs \d\d.\d\d % to \d\d.\d\d %\).",
        section.best,
    )
    assert all("95 % interval" in finding.sentence and finding.run_ids for finding in section.findings)
    assert sum(figure.drawn for figure in section.figures) >= 5
    assert [figure.front for figure in section.figures] == sorted((f.front for f in section.figures), reverse=True)
    assert section.ranking.columns[:3] == ("trial", "hidden size", "dropout of hidden units")


def test_a_hyperparameter_that_does_not_exist_for_a_trial_is_a_dash():
    whole = own()
    without = whole.all_runs["dropout_hidden"] == 0.5
    runs = whole.all_runs[~without | (whole.all_runs["hidden_size"] == 64)].assign(
        hidden_size=lambda kept: kept["hidden_size"].mask(without)
    )
    (content,) = pages(among(dataclasses.replace(whole, all_runs=runs)))
    (section,) = content.sections
    assert [cell.text for cell in section.ranking.rows[0][1:3]] == ["–", "0.5"]
    assert section.best.startswith("Selected on validation: dropout of hidden units 0.5. It reaches")


OWN = {
    "grid": "space: {learning_rate: [0.01, 0.1, 0.3]}\n"
    "claims: [{claim: It is so., trend: {factor: learning_rate}, expect: rises}]\n",
    "ofat": "space: {learning_rate: [0.01, 0.1], momentum: [off, on]}\n"
    "claims: [{claim: It is so., compare: {factor: momentum, level: on, against: off}, expect: same}]\n",
}


@pytest.mark.parametrize(("driver", "n_classes"), [("grid", 3), ("ofat", 5)])
def test_an_own_page_speaks_of_nothing_that_the_reader_does_not_have(tmp_path, driver, n_classes):
    from engine import load_dataset
    from search import load_spec, run_study

    part = ("train", "train", "train", "validation", "test")
    rows = [
        f"{i % n_classes},{i % n_classes + (i * 7 % 11) / 20},{(i * 5 % 13) / 13},{part[i // n_classes % 5]}"
        for i in range(150)
    ]
    (tmp_path / "own.csv").write_text("\n".join(["class,a,b,split", *rows, ""]))
    baseline = ", learning_rate: 0.1, momentum: off" if driver == "ofat" else ""
    (tmp_path / "own.yaml").write_text(
        f"study: growers\nquestion: What tells growers apart?\ndriver: {driver}\nreplicates: 2\n"
        f"dataset: {{path: '{tmp_path}/own.csv', label: class, scale: none}}\n"
        f"fixed: {{hidden_layers: 0, epochs: 2, evaluations_per_epoch: 2{baseline}}}\n{OWN[driver]}"
    )
    spec = load_spec(tmp_path / "own.yaml")
    database = str(tmp_path / "own.sqlite")
    run_study(spec, load_dataset(spec.dataset), database=database, n_jobs=1, command="digitsweep run own.yaml")
    (html_page,) = build(database, tmp_path / "out")
    for file in (html_page, html_page.with_suffix(".md")):
        said = file.read_text(encoding="utf-8")
        assert all(text in said for text in ("What tells growers apart?", "digitsweep run own.yaml", "It is so: "))
        assert not re.search(r"mnist|digits\b|\bimages?\b|report of|the report|linear-grid", said, re.IGNORECASE)


def test_studies_that_share_a_page_have_one_of_their_own(studies, both):
    main, shared = both
    assert (main.name, shared.name, shared.title) == ("report", "the-report-of-2022", "The report of 2022")
    assert {s.study.name for s in shared.sections} == {s.name for s in studies if s.spec.get("page")}
    assert main.others == (("The report of 2022", "the-report-of-2022"),)
    assert not [s for s in main.sections if s.study.driver == "confirm"]
    # A verdict does not depend on the page that shows it.
    (alone,) = pages(dataclasses.replace(studies, shown=(shared.sections[0].study,)))
    assert said(alone.sections[0].findings) == said(shared.sections[0].findings)


def test_the_page_needs_nothing_from_outside(page):
    text = page.read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", text))
    # Names of the SVG vocabulary, not addresses that are fetched.
    assert all(address.startswith("http://www.w3.org/") for address in addresses)
    assert not re.findall(r"(?:src)=\"(?!#|data:)|@import|url\((?!#)", text)
    assert set(re.findall(r"href=\"(?!#|data:)([^\"]+)", text)) == {"the-report-of-2022.html"}


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
    ("template", "in_other_words"), [("report.html.j2", set()), ("report.md.j2", {"anchor"})]
)  # Markdown has no anchors
def test_everything_that_is_computed_is_on_both_pages(template, in_other_words):
    source = (TEMPLATES / template).read_text(encoding="utf-8")
    missing = {field.name for field in dataclasses.fields(Section) if f"section.{field.name}" not in source}
    assert missing == in_other_words


def test_markdown_says_what_the_page_says(page, everything):
    markdown = (page.parent / "report.md").read_text(encoding="utf-8")
    n_figures = 0
    for section in everything.sections:
        assert section.study.question in markdown
        n_figures += sum(figure.drawn for figure in section.figures)
        for finding in section.findings:
            assert finding.claim.claim in markdown
            if finding.run_ids:
                assert f"Runs: {ranges(finding.run_ids)}" in markdown
    pictures = re.findall(r"\]\((figures/[^)]+)\)", markdown)
    assert len(pictures) == n_figures
    assert all((page.parent / name).exists() for name in pictures)
    assert not re.search(r"\n\n\n\n", markdown)


@pytest.mark.parametrize(
    ("vary", "says"),
    [
        (["order"], "Replicates of mine draw anew order alone"),
        ({"initialisation": 2, "order": 2}, "Runs of mine share what they draw"),
        (None, ""),
    ],
)
def test_methods_say_what_replicates_hold(vary, says):
    study = study_of({"momentum": [False, True]}, lambda p, r: 0.9, replicates=4, vary=vary)
    found = [said for said in methods([study], [], []) if "draw" in said]
    assert [said[: len(says)] for said in found] == ([says] if says else [])


def test_an_incomplete_study_is_announced():
    whole = own()
    runs = whole.all_runs.copy()
    runs.loc[runs["run_id"] == 5, "state"] = "interrupted"
    runs = runs[~runs["run_id"].isin([7, 8, 9])]
    (content,) = pages(among(dataclasses.replace(whole, all_runs=runs)))
    assert content.sections[0].notices == (
        Said(
            "wine is incomplete: 1 run not finished, 1 trial without a run. Go on with:",
            "digitsweep run wine.yaml",
        ),
    )


@pytest.mark.parametrize(
    ("trial", "says"), [(8, "The choice is frozen: selection 7 of 2026-11-24."), (1, "Frozen was trial 1")]
)
def test_the_page_says_whether_its_choice_is_the_frozen_one(trial, says):
    frozen = {"selection_id": 7, "trial_number": trial, "n_trials": 9, "selected_at": "2026-11-24T"}
    (content,) = pages(among(dataclasses.replace(own(), frozen=frozen)))
    assert says in content.sections[0].selection[-1].text


def test_findings_of_a_page_are_those_of_the_judge(studies, everything):
    shown = [finding for section in everything.sections for finding in section.findings]
    assert said(shown) == said(f for f in examine(studies) if f.study in {s.study.name for s in everything.sections})


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
    assert "The choice is not frozen yet. Freeze it with: <code>" in text
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
    tab.evaluate("document.querySelectorAll('details.more').forEach(folded => folded.open = true)")
    boxes = tab.evaluate("[...document.querySelectorAll('figure svg')].map(s => s.getBoundingClientRect().toJSON())")
    assert len(boxes) > N_FIGURES
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
    column = table.locator("th", has_text="trial")
    read = "t => [...t.tBodies[0].rows].map(r => Number(r.cells[0].dataset.key))"
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


def test_a_random_study_with_a_range_under_a_condition_has_its_page():
    rates = np.geomspace(0.001, 0.1, 20)
    trials = [
        {"hidden_layers": i % 3, "learning_rate": float(rate), **({"hidden_size": 4 + i} if i % 3 else {})}
        for i, rate in enumerate(rates)
    ]
    ranges = {"hidden_size": {"low": 4, "high": 64}, "learning_rate": {"low": 0.001, "high": 0.1}}
    space = {"hidden_layers": [0, 1, 2], **ranges}
    drawn = study("own", "random", space, lambda config, _: 0.9 - config["learning_rate"], trials=trials)
    missing = drawn.all_runs["hidden_size"].where(drawn.all_runs["hidden_layers"] > 0)
    (content,) = pages(among(dataclasses.replace(drawn, all_runs=drawn.all_runs.assign(hidden_size=missing))))
    assert sum(figure.drawn for figure in content.sections[0].figures) > 3
