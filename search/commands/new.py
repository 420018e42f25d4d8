"""`digitsweep new`: a study file to begin with."""

from search.commands.common import say
from search.commands.options import DriverName, NewStudy


def new(study: NewStudy, driver: DriverName = "grid") -> None:
    """Write a study file that runs as it is, with every other key and hyperparameter in comments."""
    from search.spec.template import write_template

    path = write_template(study, driver)
    say(f"{path}: make it yours, then\n  digitsweep run {path}")
