"""Studies: what to try, trying it, and keeping what was found.

    spec           a study's file           execution   runs a study; the only writer
    drivers        what is proposed         store       the database, and the same studies in Optuna's tables
    select         frozen choices           reproduce   a stored run, trained again
    confirm        the best again           train_best  the selection as a model file
    naming         names and notes          wording     how numbers are written
    pictures       pictures to predict      commands    the command line, which cli puts together
    stated         claims in study files    ink         where the digit is in a picture
    show           one of them, in values
    failures       where a traceback goes   streams     terminals that are closed or know no ü

The names below are imported on first use, so that `import search` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.execution.coordinator import run_study
    from search.spec.study import load_spec

_HOMES = {"load_spec": "search.spec.study", "run_study": "search.execution.coordinator"}

__all__ = ["load_spec", "run_study"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'search' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
