"""`digitsweep new`: a study file to begin with."""

import shlex

from search.commands.common import say
from search.commands.options import DriverName, NewStudy
from search.commands.typed import program


def new(study: NewStudy, driver: DriverName = "grid") -> None:
    """Write a study file that runs as it is, with every other key and hyperparameter in comments."""
    from search.spec.template import write_template

    path = write_template(study, driver)
    say(f"{path}: make it yours, then\n  {shlex.join([*program(), 'run', str(path)])}")
