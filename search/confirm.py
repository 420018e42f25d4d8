"""Confirmation: the best trials of a study with fresh seeds, and what that says about the selection.

    study ──ranking──> Confirmation ──spec, driver──> run_study ──> ConfirmedTrial, selected beside confirmed

The best of many single runs is better than it will be again, because part of what made it best was luck. Fresh
seeds measure that part: the difference is the optimism of the selection.
"""

from dataclasses import dataclass
from statistics import fmean
from typing import Any

from sqlalchemy import text

from engine.seeds import derive_seed
from search.drivers.protocol import PlannedDriver, Proposal
from search.naming import stored_source
from search.select import RankedTrial, rank_trials
from search.spec.meaning import CONFIRM
from search.spec.replication import STREAMS
from search.spec.study import StudySpec, parse_spec
from search.store import reading
from search.store.database import open_for_reading

# Far beyond any replicate, so that the confirmation's seeds are no study's.
_FRESH = 2**20


@dataclass(frozen=True)
class Confirmation:
    """What is to be confirmed.

    Attributes:
        study: name of the source study.
        base_name: name of the confirmation without the suffix for data and seed.
        name: name of the confirmation in the database, with the suffix of its source.
        data_source: how the source study's data was named.
        data_sha256: its content.
        seed: study seed of the confirmation.
        read_at: evaluation at which runs are read, as in the source.
        when: which hyperparameters exist only beside which, as in the source.
        split: the cuts of the data, as in the source.
        varies_cuts: whether each replicate has a cut of its own.
        ranked: the trials, best first.
    """

    study: str
    base_name: str
    name: str
    data_source: str | dict[str, Any]
    data_sha256: str
    seed: int
    read_at: str
    when: dict[str, dict[str, Any]]
    split: dict[str, int] | None
    varies_cuts: bool
    ranked: list[RankedTrial]


def confirmation(database: str, study: str, top: int) -> Confirmation:
    """The best `top` trials of a study, as its validation values stand.

    Raises:
        NoSuchStudyError: no study of that name.
        NothingToSelectError: it has no complete run.
    """
    sql = open_for_reading(database)
    with sql.connect() as connection:
        row = reading.find_study(connection, study)
        ranked = rank_trials(connection, row)[:top]
    sql.dispose()
    base_name = row["base_name"]
    return Confirmation(
        study=row["name"],
        base_name=f"{base_name}-confirm",
        name=f"{base_name}-confirm{row['name'].removeprefix(base_name)}",
        data_source=stored_source(row["spec"]["dataset"], row["dataset"]),
        data_sha256=row["data_sha256"],
        seed=confirmation_seed(row["seed"]),
        read_at=row["read_at"],
        when=row["spec"].get("when") or {},
        split=row["spec"].get("split"),
        varies_cuts="split" in (row["spec"].get("vary") or ()),
        ranked=ranked,
    )


def confirmation_seed(study_seed: int) -> int:
    """The study seed of a confirmation, in [0, 2³¹): a function of the confirmed study's."""
    return derive_seed(study_seed, _FRESH) & 0x7FFFFFFF


def confirmation_spec(source: Confirmation, replicates: int) -> StudySpec:
    """The confirmation as a study; its space lists what the trials differ in, for the dashboard.

    Nothing is held in it: every stream, and the cut where the source has cuts, is drawn anew for each replicate.
    """
    values: dict[str, list[Any]] = {}
    for trial in source.ranked:
        for name, value in trial.params.items():
            if value not in values.setdefault(name, []):
                values[name].append(value)
    return parse_spec(
        {
            "study": source.base_name,
            "question": f"How good are the best configurations of {source.study} with seeds they were not chosen by?",
            "driver": "random",  # which lets axes be longer than the trials that are on them
            "trials": len(source.ranked),
            "dataset": source.data_source,
            "seed": source.seed,
            "replicates": replicates,
            "split": source.split,
            "vary": list(STREAMS) if source.varies_cuts else None,
            "at": source.read_at,
            "space": values,
        },
        source=f"confirmation of {source.study}",
    ).model_copy(update={"driver": CONFIRM, "trials": None, "when": source.when})


class ConfirmDriver(PlannedDriver):
    """The given trials, best first."""

    def __init__(self, ranked: list[RankedTrial]) -> None:
        super().__init__(
            Proposal(
                trial.configuration,
                trial.params,
                {"source_study": trial.study, "source_trial_number": trial.trial_number, "rank": rank},
            )
            for rank, trial in enumerate(ranked, start=1)
        )


@dataclass(frozen=True)
class ConfirmedTrial:
    """A trial as selected and as confirmed; accuracies are shares, means over runs.

    Attributes:
        source_trial_number: its number in the source study.
        selected_validation: validation accuracy by which it was selected.
        validation: validation accuracy with fresh seeds.
        test: test accuracy with fresh seeds.
        test_interval: 95 % interval for the mean over seeds, the one that the report page gives.
        n_runs: runs behind the fresh values.
    """

    source_trial_number: int
    selected_validation: float
    validation: float
    test: float
    test_interval: tuple[float, float]
    n_runs: int


def confirmed_trials(database: str, study: str, confirmed: str) -> list[ConfirmedTrial]:
    """The confirmed trials, in the order of their selection."""
    from analysis.statistics.intervals import share_interval

    sql = open_for_reading(database)
    query = text(
        "SELECT trial_number, validation_accuracy, test_accuracy FROM v_runs "
        "WHERE study = :study AND state = 'complete' ORDER BY trial_number, replicate"
    )
    with sql.connect() as connection:
        selected = {
            t.trial_number: t.validation_accuracy
            for t in rank_trials(connection, reading.find_study(connection, study))
        }
        row = reading.find_study(connection, confirmed)
        attributes = {t["trial_number"]: t["attributes"] for t in reading.study_trials(connection, row["study_id"])}
        runs: dict[int, list[tuple[float, float]]] = {}
        for number, validation, test in connection.execute(query, {"study": confirmed}):
            runs.setdefault(number, []).append((validation, test))
    sql.dispose()
    result = []
    for number in sorted(runs, key=lambda n: attributes[n]["rank"]):
        tests = [test for _, test in runs[number]]
        interval = share_interval(tests)
        source_number = attributes[number]["source_trial_number"]
        result.append(
            ConfirmedTrial(
                source_number,
                selected[source_number],
                fmean(validation for validation, _ in runs[number]),
                interval.estimate,
                (interval.low, interval.high),
                len(tests),
            )
        )
    return result
