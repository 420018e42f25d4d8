"""The command line: `digitsweep`. Puts the commands together and turns errors into exit codes.

Exit codes: 0 done, 1 finished but something failed, 2 bad input (one message), 130 interrupted; `search.failures` gives
them to what was raised.
"""

import sys
from importlib.metadata import version as installed
from typing import Annotated

import typer

from search.commands.common import say
from search.commands.confirm import confirm
from search.commands.dashboard import dashboard
from search.commands.data import data
from search.commands.decide import decide
from search.commands.delete import delete
from search.commands.export import export
from search.commands.new import new
from search.commands.predict import predict
from search.commands.rename import rename
from search.commands.report import figures, report
from search.commands.reproduce import reproduce
from search.commands.run import run
from search.commands.schema import schema
from search.commands.select import select
from search.commands.show import show
from search.commands.status import status
from search.commands.train_best import train_best
from search.commands.validate import validate
from search.failures import exit_code

app = typer.Typer(
    name="digitsweep",
    help="Hyperparameter searches that are fast and can be trusted.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from engine.versions import ENGINE_VERSION

        say(f"digitsweep {installed('digitsweep')}, engine {ENGINE_VERSION}")
        raise typer.Exit


@app.callback()
def _before(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Say which version this is.")
    ] = False,
) -> None:
    """Options that belong to no command."""


app.command()(new)  # a study file to begin with
app.command()(validate)  # a study file checked
app.command()(run)  # train what a study lacks
app.command()(status)  # what the database holds
app.command()(show)  # one study, trial or run
app.command()(select)  # freeze the best on validation, then read its test accuracy
app.command()(confirm)  # the best again, with fresh seeds
app.command()(decide)  # more seeds where a claim is open, until each is settled
app.command()(train_best)  # the selection as a model file
app.command()(predict)  # what a picture shows
app.command()(reproduce)  # a stored run again, compared to the last bit
app.command()(figures)  # the report's figures
app.command()(report)  # the report page
app.command()(export)  # CSV and Parquet
app.command()(rename)  # another name for a study
app.command()(delete)  # a study out of the database
app.command()(dashboard)  # Optuna's dashboard
app.command()(data)  # where data sets are found
app.command()(schema)  # what editors check study files with


def main() -> None:
    """Run the command line and leave with its exit code; whatever went wrong is one line."""
    sys.exit(exit_code(lambda: app(sys.argv[1:] or ["--help"], standalone_mode=False)))


if __name__ == "__main__":
    main()
