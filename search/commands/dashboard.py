"""`digitsweep dashboard`: Optuna's dashboard on the database, on this machine alone."""

from typing import Annotated

import typer

from engine.errors import DigitsweepError
from search.commands.common import Database, say


def dashboard(
    db: Database = "runs.sqlite",
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8080,
) -> None:
    """Open Optuna's dashboard on the database, on this machine alone."""
    from search.store.database import database_url, open_database

    open_database(db, create=False).dispose()
    import optuna_dashboard

    say(f"Optuna dashboard on http://127.0.0.1:{port}/ (Ctrl-C ends it)")
    try:
        optuna_dashboard.run_server(database_url(db), host="127.0.0.1", port=port)
    except OSError as error:
        raise DigitsweepError(f"port {port} cannot be used: {error}; choose another with --port") from error
