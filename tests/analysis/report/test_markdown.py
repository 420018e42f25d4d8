"""Text of others in Markdown and HTML: shown, never run."""

import json
import re
import sqlite3
from contextlib import closing

import pytest

from analysis.export import export
from analysis.figures import draw_all
from analysis.report import build
from analysis.report.markdown import code, text
from benchmarks import synthetic

EVIL = "=1+1<script>alert(1)</script><img src=x>|`b`*c*[d](e)&lt;"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("<script>x</script>", "&lt;script>x&lt;/script>"),
        ("<!-- x", "&lt;!-- x"),
        ("p < 0.001 & so", "p < 0.001 & so"),
        ("&lt;b&#62;", "&amp;lt;b&amp;#62;"),
        ("a | b", r"a \| b"),
        ("[x](y) ![z]", r"\[x\](y) !\[z\]"),
        ("*a* __b__ hidden_size `c`", r"\*a\* \_\_b\_\_ hidden_size \`c\`"),
        ("# a", r"\# a"),
        ("> a", r"\> a"),
        ("- a", r"\- a"),
        ("1. a", r"1\. a"),
        ("+0.25", "+0.25"),
        ("0.25", "0.25"),
        ("a\n\n# b", "a # b"),
        (3, "3"),
        (text("<b>"), "&lt;b>"),
    ],
)
def test_text_is_shown_as_it_is(value, shown):
    assert text(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [("a b", "`a b`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("a\nb", "`a b`"), ("<b>", "`<b>`")]
)
def test_code_is_fenced_by_more_backticks_than_it_has(value, shown):
    assert code(value) == shown


def test_nothing_of_a_database_becomes_markup_or_a_formula(tmp_path):
    path = str(tmp_path / "runs.sqlite")
    synthetic.write(path, only=("linear-grid",), dataset="digits")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sweep_studies SET question = ?, command = ?, dataset = ?", (EVIL, EVIL, EVIL))
        connection.execute("UPDATE sweep_studies SET name = ?, base_name = ?", (f"{EVIL}@x", EVIL))
        connection.execute("UPDATE sweep_studies SET spec = ?", (json.dumps({"dataset": EVIL}),))
        connection.execute("UPDATE runs SET error = ?, environment = ?", (EVIL, json.dumps({EVIL: EVIL})))
    html = build(path, tmp_path)[0].read_text(encoding="utf-8")
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    outside_code = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|^ {4}.*$", "", markdown, flags=re.MULTILINE)
    for tag in ("<script>alert", "<img"):
        assert tag not in html
        assert tag not in outside_code
    assert "&lt;script&gt;alert(1)" in html
    assert r"=1+1&lt;script>alert(1)&lt;/script>&lt;img src=x>\|\`b\`\*c\*\[d\](e)&amp;lt;" in markdown
    draw_all(path, tmp_path / "figures")
    for file in (export(path, tmp_path)[0], *(tmp_path / "figures").glob("*.csv")):
        cells = file.read_text(encoding="utf-8").replace("\n", ",").split(",")
        assert not [cell for cell in cells if cell.lstrip('"').startswith("=")], file
    assert "'=1+1" in (tmp_path / "runs.csv").read_text(encoding="utf-8")
    for file in (tmp_path / "figures").glob("*.svg"):
        assert "<script" not in file.read_text(encoding="utf-8")
