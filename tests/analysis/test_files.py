"""Whole files or none, and tables that a spreadsheet may open."""

import pandas as pd
import pytest

from analysis.files import OutputError, write_csv, written_together


def names(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


def test_files_appear_together_and_replace_what_was_there(tmp_path):
    out = tmp_path / "a" / "b"
    for text in ("first", "second"):
        with written_together(out) as folder:
            (folder / "figures").mkdir()
            (folder / "figures" / "1.svg").write_text(text)
            (folder / "page.html").write_text(text)
            assert (out / "page.html").exists() is (text == "second")
        assert (out / "figures" / "1.svg").read_text() == (out / "page.html").read_text() == text
    assert names(out) == ["figures", "figures/1.svg", "page.html"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError()])
def test_what_fails_half_way_leaves_what_was_there(tmp_path, error):
    (tmp_path / "page.html").write_text("old")
    with pytest.raises(OutputError if isinstance(error, OSError) else type(error)):  # noqa: SIM117
        with written_together(tmp_path) as folder:
            (folder / "page.html").write_text("new")
            raise error
    assert names(tmp_path) == ["page.html"]
    assert (tmp_path / "page.html").read_text() == "old"


def test_folders_that_were_made_in_vain_are_taken_away(tmp_path):
    with pytest.raises(OutputError, match="new/folder cannot be written: no room"):  # noqa: SIM117
        with written_together(tmp_path / "new" / "folder"):
            raise OSError("no room")
    assert names(tmp_path) == []


@pytest.mark.parametrize(("there", "new"), [("x", "x/y"), ("x/y", "x")])
def test_a_file_and_a_folder_of_one_name_are_told_before_anything_is_moved(tmp_path, there, new):
    def write(folder, name):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)

    write(tmp_path, there)
    before = names(tmp_path)
    with pytest.raises(OutputError, match="x is"), written_together(tmp_path) as folder:
        write(folder, "a")
        write(folder, new)
    assert names(tmp_path) == before


def test_text_that_is_a_formula_is_quoted_and_numbers_are_not(tmp_path):
    table = pd.DataFrame(
        {
            "text": ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "1\r=1", "'=1", None],
            "number": [-1.5, -0.0, float("-inf"), 2, 3, 4, 5, 6, float("nan")],
            "mixed": [-1, "-1", -0.5, True, "=a", "b", None, 1, 2],
            "=name": range(-9, 0),
        }
    )
    before = table.copy()
    write_csv(table, tmp_path / "table.csv")
    pd.testing.assert_frame_equal(table, before)
    assert "\r" not in (tmp_path / "table.csv").read_bytes().decode()
    text = pd.read_csv(tmp_path / "table.csv", dtype=str, keep_default_na=False)
    assert text["text"].tolist() == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "'\nx", "1\n=1", "'=1", ""]
    assert text["number"].tolist() == ["-1.5", "-0.0", "-inf", "2.0", "3.0", "4.0", "5.0", "6.0", ""]
    assert text["mixed"].tolist() == ["-1", "'-1", "-0.5", "True", "'=a", "b", "", "1", "2"]
    assert text["'=name"].tolist() == [str(number) for number in range(-9, 0)]
