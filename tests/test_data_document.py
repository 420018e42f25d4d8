"""docs/data.md: its examples load, its message is the program's own, and its lists are whole."""

import re
from pathlib import Path

import pytest

from engine.data.catalogue import DATASET_NAMES
from engine.data.csv_label import LABEL_NAMES
from engine.data.load import load_dataset
from engine.data.reference import KEYS
from engine.errors import DataError

DOCUMENT = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")


def example(kind):
    (text,) = re.findall(rf"```\w+ {kind}\n(.*?)```", DOCUMENT, re.DOTALL)
    return text


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_archive_of_the_document_loads_as_its_parts():
    exec(example("npz"), {})
    notices = []
    dataset = load_dataset("own.npz", notify=notices.append)
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [140, 30, 30]
    assert (dataset.name, dataset.n_classes, dataset.n_features) == ("file:own.npz", 10, 64)
    assert len(notices) == 1


def test_the_table_of_the_document_loads_as_its_parts():
    Path("wine.csv").write_text(example("wine"), encoding="utf-8")
    notices = []
    dataset = load_dataset("wine.csv", notify=notices.append)
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [6, 2, 2]
    assert notices == [
        "wine.csv: read with semicolons between the cells and decimal commas",
        "wine.csv: the label is column 1 ('class')",
        "wine.csv: 2 different labels become classes in sorted order: 1 → 0, 2 → 1",
    ]


def test_the_question_of_the_document_is_the_programs():
    rows = "".join(f"{i},{i % 2},{i * 7 % 17},{i * 5 % 13}\n" for i in range(40))
    Path("scan.csv").write_text("id,label,a,b\n" + rows, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_dataset("scan.csv")
    assert str(caught.value) == example("asked").rstrip("\n")
    load_dataset({"path": "scan.csv", "ignore": ["id"], "scale": 16}, notify=[].append)


def test_the_document_lists_every_name_and_key():
    named = set(re.findall(r"`([^`\n]+)`", DOCUMENT))
    assert {*DATASET_NAMES, *LABEL_NAMES, *KEYS} <= named
