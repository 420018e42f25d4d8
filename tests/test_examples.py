"""Every notebook in examples/ runs from its first cell to its last, in a process of its own and an empty folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
RUN = "import json, sys; [exec(compile(c, f'cell {i}', 'exec'), globals()) for i, c in enumerate(json.load(sys.stdin))]"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_ends_in_verdicts_and_a_page(notebook, tmp_path):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    done = subprocess.run(
        [sys.executable, "-c", RUN], input=json.dumps(code), cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    verdicts = [line.split("  ")[-1] for line in done.stdout.splitlines() if not line.startswith(" ") and "  " in line]
    assert len(verdicts) == 2
    assert set(verdicts) <= {"SUPPORTED", "CONTRADICTED", "UNDECIDED"}
    assert "hidden size" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


def test_there_is_a_notebook_and_it_has_no_output_of_a_machine():
    assert NOTEBOOKS
    for notebook in NOTEBOOKS:
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs"), notebook
