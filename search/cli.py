"""The command line: `digitsweep`. Puts the commands together and turns errors into exit codes.

Exit codes: 0 done, 1 finished but something failed, 2 bad input (one message), 130 interrupted.
"""

import sys

import typer

from engine.errors import DigitsweepError
from search.commands.common import errors
from search.commands.confirm import confirm
from search.commands.dashboard import dashboard
from search.commands.data import data
from search.commands.export import export
from search.commands.predict import predict
from search.commands.report import figures, report
from search.commands.reproduce import reproduce
from search.commands.run import run
from search.commands.select import select
from search.commands.status import status
from search.commands.train_best import train_best

app = typer.Typer(
    name="digitsweep",
    help="Hyperparameter searches on MNIST that are fast and can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command()(run)  # train what a study lacks
app.command()(status)  # what the database holds
app.command()(select)  # freeze the best on validation, then read its test accuracy
app.command()(confirm)  # the best again, with fresh seeds
app.command()(train_best)  # the selection as a model file
app.command()(predict)  # what a picture shows
app.command()(reproduce)  # a stored run again, compared to the last bit
app.command()(figures)  # the report's figures
app.command()(report)  # the report page
app.command()(export)  # CSV and Parquet
app.command()(dashboard)  # Optuna's dashboard
app.command()(data)  # where data sets are found


def main() -> None:
    """Run the command line, turning our own errors into one message and exit code 2."""
    try:
        app()
    except DigitsweepError as error:
        errors.print(f"digitsweep: {error}", style="bold", highlight=False, markup=False)
        sys.exit(2)
    except KeyboardInterrupt:
        errors.print("interrupted", markup=False)
        sys.exit(130)


if __name__ == "__main__":
    main()
