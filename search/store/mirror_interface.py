"""The mirror that writes through Optuna's interface, after the caller's transaction."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from search.spec.space import Space
from search.store.location import DatabaseUnusableError
from search.store.mirrored import ENDED, STATES, Mirror, MirroredTrial, Say

if TYPE_CHECKING:
    from optuna.storages import RDBStorage


class InterfaceMirror(Mirror):
    """Writes through Optuna's public interface, whatever its tables look like.

    It has a connection of its own, so trials are written after our transaction; what a crash between the two leaves
    out is made good when the study is run again (`is_behind`). It never changes a trial that has ended: one
    that is trained again, or gets more replicates, stays there as it first ended. And it takes no other choices for a
    hyperparameter of words than those of the study's first trial: such a value is left out. A line says either, once.
    """

    def __init__(
        self, storage: "RDBStorage", study_id: int, name: str, space: Space, make: Callable[[], int], say: Say
    ) -> None:
        self._storage, self._study_id = storage, study_id
        self._due: dict[int, MirroredTrial] = {}
        known = storage.get_all_trials(study_id, deepcopy=False)
        states = {trial.number: trial.state.name for trial in known}
        super().__init__(name, space, (trial.distributions for trial in known), states, make, say)
        storage.remove_session()

    def project(self, connection: Connection, mirrored: Iterable[MirroredTrial]) -> None:
        """Keep these trials for `publish`."""
        del connection
        self._due |= {trial.number: trial for trial in mirrored}

    def roll_back(self) -> None:
        """Nothing: what is due is written by number, so that the next `project` takes its place."""

    def publish(self) -> bool:
        """Write the trials that are due; those that cannot be written just now are due again after the next save."""
        from optuna.exceptions import StorageInternalError

        try:
            if not self._is_there():
                self._study_id = self._make_anew()
                self._due.clear()
                return True
            for number in sorted(self._due):
                try:
                    self._write(self._due[number])
                except KeyError:
                    self._say_once("trials were deleted from Optuna's tables, whose interface cannot make them anew")
                del self._due[number]
        except (StorageInternalError, DatabaseUnusableError):
            self._say_once("Optuna's tables could not be written just now; they follow with the next save")
        finally:
            self._storage.remove_session()
        return False

    def _is_there(self) -> bool:
        try:
            return self._storage.get_study_id_from_name(self._name) == self._study_id
        except KeyError:
            return False

    def _write(self, trial: MirroredTrial) -> None:
        from optuna.trial import TrialState, create_trial

        # Optuna numbers trials as they come, so those before this one are made with it, to be filled in their turn.
        for number in range(max(self._states, default=-1) + 1, trial.number + 1):
            self._storage.create_new_trial(self._study_id, template_trial=create_trial(state=TrialState.WAITING))
            self._states[number] = "WAITING"
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._study_id, trial.number)
        known = self._storage.get_trial(trial_id)
        state = STATES[trial.state]
        if known.state.is_finished():
            if (known.state.name, known.value) != (state, trial.value):
                self._say_once("trials that had ended have changed, and Optuna's tables keep them as they first ended")
            return
        for name, value, distribution in self._encode(trial.params):
            if name not in known.params:
                try:
                    self._storage.set_trial_param(trial_id, name, value, distribution)
                except ValueError:
                    self._say_once(f"Optuna's tables do not take the new values of {name}, which are left out there")
        if state != "WAITING" and known.state == TrialState.WAITING:
            self._storage.set_trial_state_values(trial_id, TrialState.RUNNING)
        for k, accuracy in sorted(trial.curve.items()):
            if k not in known.intermediate_values:
                self._storage.set_trial_intermediate_value(trial_id, k, accuracy)
        if state in ENDED:
            for key, attribute in trial.attributes.items():
                self._storage.set_trial_user_attr(trial_id, key, attribute)
            values = None if trial.value is None else [trial.value]
            self._storage.set_trial_state_values(trial_id, TrialState[state], values)
        elif state == "WAITING" and known.state == TrialState.RUNNING:
            self._storage.set_trial_state_values(trial_id, TrialState.WAITING)
        self._states[trial.number] = state
