"""The command line: `digitsweep`. Puts the commands together and turns errors into exit codes.

Exit codes: 0 done, 1 finished but something failed, 2 bad input (one message), 130 interrupted.
"""

import sys

import typer

from engine.errors import DigitsweepError
from search.commands import models, reading, studies
from search.commands.common import errors

app = typer.Typer(
    name="digitsweep",
    help="Hyperparameter searches on MNIST that are fast and can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    studies.run,
    reading.status,
    reading.select,
    studies.confirm,
    models.train_best,
    models.predict,
    models.reproduce,
    reading.figures,
    reading.report,
    reading.export,
    reading.dashboard,
    reading.data,
):
    app.command()(command)


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
