"""What study files state of their answer, for studies in the database that an earlier version made without it.

database ──studies without claims──> the file that the command names ──the same study?──> {study: claims, …}

A file counts where it states the same study still; its claims are what it states now.
"""

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, RowMapping, select

from search.spec.meaning import CONFIRM
from search.spec.space import SpecError
from search.spec.study import StudySpec, load_spec
from search.store.schema import studies
from search.store.writing import IDENTITY

KEYS = ("claims", "figures", "page")


def stated_in_files(sql: Engine, notify: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """By the name in the database, what the file of each study states that was stored without claims.

    Args:
        sql: the database.
        notify: is told in one line whose files were read, and why a file that is there was not.
    """
    with sql.connect() as connection:
        rows = connection.execute(select(studies).order_by(studies.c.study_id)).mappings().all()
    found, files = {}, []
    for row in rows:
        if "claims" in row["spec"] or row["driver"] == CONFIRM:
            continue
        for file in _files(row["command"]):
            try:
                spec = load_spec(file)
            except SpecError as error:
                notify(f"{row['name']}: its claims cannot be read: {error}")
                continue
            stated = spec.model_dump(include=set(KEYS))
            if any(stated.values()) and _is_same(row, spec):
                found[row["name"]] = stated
                files.append(str(file))
                break
    if files:
        notify(f"Claims and figures of studies that an earlier version made are those of {', '.join(files)}.")
    return found


def _files(command: str) -> Iterator[Path]:
    """The study files that a command runs and that are there; of a target of make, those in experiments/."""
    words = [word.removeprefix("SPEC=") for word in shlex.split(command)]
    named = [word for word in words if Path(word).suffix in (".yaml", ".yml")]
    files = [Path(word) for word in named]
    if not files and words[:1] == ["make"]:
        files = sorted(Path("experiments").glob("*.yaml"))
    return (file for file in files if file.is_file())


def _is_same(row: RowMapping, spec: StudySpec) -> bool:
    """Whether a file states the study that is stored: its name, its driver, and what results depend on."""
    stored = row["spec"]
    if spec.sampler and stored.get("sampler"):
        spec = spec.revised(sampler=stored["sampler"])
    stated = spec.model_dump(include=set(IDENTITY))
    same = all(stored.get(key) == stated[key] for key in IDENTITY)
    return bool(same and row["base_name"] == spec.study and row["driver"] == spec.driver)
