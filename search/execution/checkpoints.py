"""From where an unfinished run goes on: its checkpoint, or, where that does not fit, its first update."""

from collections.abc import Iterable

from sqlalchemy import Connection

from engine.state import CheckpointError, TrainingState
from search.execution.environment import code_version
from search.execution.trials import Run
from search.store import reading


def restored(connection: Connection, run: Run) -> TrainingState:
    """The state in a run's checkpoint.

    Raises:
        CheckpointError: it is damaged, of another run, or made by other code than this.
    """
    assert run.run_id is not None
    stored = reading.checkpoint(connection, run.run_id) or b""
    state = TrainingState.from_bytes(
        stored, configuration=run.configuration, seed=run.seed, code_version=code_version()
    )
    if state.k != run.start_k:
        raise CheckpointError(f"it is of evaluation {state.k}, but filed under {run.start_k}")
    return state


def set_aside(connection: Connection, runs: Iterable[Run]) -> list[str]:
    """Send the runs whose checkpoint does not fit back to their start, and say which and why.

    This comes before runs are grouped, since those that train together are at the same evaluation. Nothing is written:
    the checkpoint goes when its run starts.
    """
    messages = []
    for run in runs:
        if run.start_k:
            try:
                restored(connection, run)
            except CheckpointError as error:
                run.start_k, run.curve = 0, {}
                messages.append(
                    f"trial {run.trial.number}, replicate {run.replicate}: starts again from the first update, "
                    f"because its checkpoint does not fit: {error}"
                )
    return messages
