"""What a study offers: its question, its axes, its runs, what it selects, and what it varies in matched pairs.

    Tables ──studies_of──▶ Studies(Study, …) ──▶ claims, figures, health, the page

Nothing here knows a study by its name: everything follows from what the database stores of its file, and from its runs.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.commands import Commands
from analysis.conditions import stated
from analysis.errors import NotApplicableError, NothingThereError
from analysis.predictions import Predictions
from analysis.statistics.pairs import Effect, paired_differences, paired_effect
from analysis.statistics.splits import Replicated, replicated
from analysis.tables import Tables, read_tables
from analysis.trials import ranked_trials
from analysis.wording import level_name

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from sqlalchemy import Engine

DECIDED = "decided"
"""The attribute of a trial that got replicates in the light of results."""
CONFIRM = "confirm"
"""The driver of studies that train selected configurations again."""
_LOG_RATIO = 10
"""How many times as large as its smallest the largest level of an axis must be for it to be drawn logarithmically."""


@dataclass(frozen=True)
class Axis:
    """A hyperparameter that a study varies.

    Attributes:
        name: The hyperparameter.
        levels: Its values in complete runs; numbers ascending, others in the order of the file.
        section: Where it stands in the file: `space`, `by`, `nuisance`, `zip` or `configurations`.
        is_number: Whether its levels are numbers.
        is_log: Whether they spread over magnitudes.
    """

    name: str
    levels: tuple[Any, ...]
    section: str
    is_number: bool
    is_log: bool


@dataclass(frozen=True)
class Study:
    """One study of the database.

    Attributes:
        name: Its name in the database.
        base_name: Its name in its file, without suffixes of data and seed.
        question: What it asks.
        driver: What proposed its trials.
        dataset: What its data are called.
        data_sha256: Their content.
        seed: Of the study.
        spec: Its file as it was last run: `space`, `fixed`, `claims`, `figures`, …
        all_runs: One row per run of the replicates that its file asks for, whatever its state.
        all_curves: One row per run and evaluation, of the added replicates too.
        commands: What to type for it.
        frozen: The newest frozen choice (`selection_id`, `trial_number`, `n_trials`, `selected_at`), if any.
        created_at: When it was made.
        added: One row per run beyond the replicates that its file asks for: they were added in the light of results, so
            that no selection, figure or table has them, and only what holds at every look.
        predictions: What its runs took each image for.
    """

    name: str
    base_name: str
    question: str
    driver: str
    dataset: str
    data_sha256: str
    seed: int
    spec: Mapping[str, Any]
    all_runs: pd.DataFrame
    all_curves: pd.DataFrame
    commands: Commands
    frozen: Mapping[str, Any] | None = None
    created_at: str = ""
    added: pd.DataFrame = field(default_factory=pd.DataFrame)
    predictions: Predictions = field(default_factory=Predictions, repr=False)

    @cached_property
    def decided(self) -> frozenset[int]:
        """The numbers of the trials that got replicates in the light of results."""
        each = zip(self.all_runs["trial_number"], self.all_runs["attributes"], strict=True)
        return frozenset(int(number) for number, attributes in each if attributes.get(DECIDED))

    @cached_property
    def every_run(self) -> pd.DataFrame:
        """Asked and added runs, whatever their state."""
        return pd.concat([self.all_runs, self.added], ignore_index=True) if len(self.added) else self.all_runs

    @cached_property
    def with_added(self) -> pd.DataFrame:
        """Every run, whatever its own state, of the trials of `settled` whose asked replicates are all complete."""
        broken = self.all_runs.loc[self.all_runs["state"] != "complete", "trial_number"]
        whole = set(self.settled["trial_number"]) - set(broken)
        kept: pd.DataFrame = self.every_run[self.every_run["trial_number"].isin(whole)]
        return kept

    @cached_property
    def complete_at_any_fidelity(self) -> pd.DataFrame:
        """The complete runs, the cheap rungs of a fidelity study among them.

        Raises:
            NothingThereError: There is none.
        """
        found = self.all_runs[self.all_runs["state"] == "complete"]
        if found.empty:
            raise NothingThereError(f"study {self.name} has no complete run", self.commands.again)
        return found

    @cached_property
    def complete(self) -> pd.DataFrame:
        """The complete runs at full fidelity.

        Raises:
            NothingThereError: There is none.
        """
        found = self.complete_at_any_fidelity
        found = found[found["full_fidelity"]]
        if found.empty:
            raise NothingThereError(f"study {self.name} has no complete run at full fidelity", self.commands.again)
        return found

    @property
    def has_results(self) -> bool:
        """Whether any run is complete at full fidelity."""
        return bool(((self.all_runs["state"] == "complete") & self.all_runs["full_fidelity"]).any())

    @property
    def confirms(self) -> str:
        """The name in the database of the study whose configurations it trains again; "" where it does not."""
        return str(self.all_runs["attributes"].iloc[0]["source_study"]) if self.driver == CONFIRM else ""

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """What varies among the complete runs, in the order of the file."""
        return tuple(self._axes())

    def _axes(self) -> Iterator[Axis]:
        runs = self.complete
        for section, varied in stated(self.spec):
            for name, values in varied.items():
                found = runs[name].dropna().unique().tolist() if name in runs else []
                if len(found) < 2:
                    continue
                is_number = all(isinstance(v, int | float) and not isinstance(v, bool) for v in found)
                order = values if isinstance(values, list) else []
                levels = sorted(
                    found, key=lambda v: (order.index(v) if not is_number and v in order else len(order), v)
                )
                spread = is_number and levels[0] > 0 and levels[-1] >= _LOG_RATIO * levels[0]
                # A range says how it is drawn from; of a list it is its levels that tell.
                is_log = values.get("scale") == "log" if isinstance(values, Mapping) else spread
                yield Axis(str(name), tuple(levels), section, is_number, is_number and is_log)

    def axis(self, name: str) -> Axis:
        """The axis of that name.

        Raises:
            NotApplicableError: The study does not vary it.
        """
        for axis in self.axes:
            if axis.name == name:
                return axis
        varied = ", ".join(axis.name for axis in self.axes) or "nothing"
        raise NotApplicableError(f"study {self.name} must vary {name}, but its complete runs vary {varied}")

    @cached_property
    def settled(self) -> pd.DataFrame:
        """The complete runs, each level of a factor at its best setting of the nuisance parameters on validation."""
        runs = self.complete
        if not self.spec.get("nuisance"):
            return runs
        attributes = pd.DataFrame(list(runs["attributes"]), index=runs.index)
        # As text: a mapping cannot be grouped by.
        keys = [attributes[name].map(lambda v: json.dumps(v, sort_keys=True)) for name in ("factor", "level", "by")]
        kept = [ranked_trials(group).iloc[0]["trial_number"] for _, group in runs.groupby(keys, sort=False)]
        chosen: pd.DataFrame = runs[runs["trial_number"].isin(kept)]
        return chosen

    def curves_of(self, runs: pd.DataFrame) -> pd.DataFrame:
        """The curves of `runs`."""
        return self.all_curves[self.all_curves["run_id"].isin(runs["run_id"])]

    def correct(self, runs: pd.DataFrame, split: str) -> "npt.NDArray[np.uint8] | None":
        """Which images of a split `runs` of it get right, as packed bits, one row a run; None where not all are known.

        See `Predictions.correct`.
        """
        return self.predictions.correct(runs, split)

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """The trials, best first on validation."""
        return ranked_trials(self.complete)

    @property
    def selected(self) -> pd.Series:
        """The trial that is best on validation, the mean over its runs."""
        return self.ranked.iloc[0]

    @property
    def selected_runs(self) -> pd.DataFrame:
        """The runs of the selected trial."""
        chosen: pd.DataFrame = self.complete[self.complete["trial_number"] == self.selected["trial_number"]]
        return chosen

    def describe(self, trial: "pd.Series[Any]") -> str:
        """A trial by what the study varies: `hidden size 100, activation relu`; what does not exist for it left out."""
        known = (axis.name for axis in self.axes if isinstance(trial[axis.name], str) or not pd.isna(trial[axis.name]))
        return ", ".join(level_name(name, trial[name]) for name in known) or "its one configuration"

    def pairs(self, runs: pd.DataFrame, factor: str, levels: tuple[Any, Any], value: str) -> pd.DataFrame:
        """Matched pairs of `runs` (of this study, with the column `value`) that differ in `factor` alone.

        Raises:
            NotApplicableError: There is none.
        """
        match = [axis.name for axis in self.axes if axis.name != factor and axis.section != "nuisance"]
        pairs = paired_differences(runs, factor, levels, value, match)
        if pairs.empty:
            raise NotApplicableError(
                f"no two complete runs of {self.name} differ in {factor} alone, with {levels[0]} and {levels[1]}"
            )
        return pairs

    def effect(self, pairs: pd.DataFrame, factor: str) -> Effect:
        """The summary of `pairs`.

        Runs at one level of a long numeric axis go alike whatever the other factors (at one learning rate their
        differences correlate at 0.8), so with few replicates it is its levels that count as independent, not all
        configurations. Without such an axis, replicates are, however few.
        """
        long = [
            a
            for a in self.axes
            # Levels among the pairs: one factor at a time, all others stand at the baseline.
            if a.name != factor and a.is_number and a.section != "nuisance" and pairs[a.name].nunique() >= 3
        ]
        longest = max(long, key=lambda axis: len(axis.levels), default=None)
        if self.replicated.crossed:
            each = pairs.groupby("replicate")["difference"].mean()
            return replace(paired_effect(pairs, []), difference=self.replicated.interval(each), p=1.0)
        return paired_effect(pairs, [longest.name] if longest else [], parts=self.replicated.parts)

    @cached_property
    def replicated(self) -> Replicated:
        """What an interval over its replicates is over."""
        return replicated(self.all_runs, self.spec.get("vary"))


@dataclass(frozen=True)
class Studies:
    """The studies of a database, or some of them, in the order in which they were made.

    Attributes:
        shown: Those that are asked about.
        everything: All studies of the database, among which a study finds its confirmation or another one.
    """

    shown: tuple[Study, ...]
    everything: tuple[Study, ...] = field(default=(), repr=False)

    def __iter__(self) -> Iterator[Study]:
        return iter(self.shown)

    def __len__(self) -> int:
        return len(self.shown)

    def beside(self, study: Study, base_name: str) -> Study:
        """The study of that name in its file, on the same data as `study`; with the same seed where there are several.

        Raises:
            NothingThereError: There is none.
        """
        found = [s for s in self.everything if s.base_name == base_name and s.data_sha256 == study.data_sha256]
        if not found:
            raise NothingThereError(f"study {base_name} is not in the database with the data of {study.name}")
        return min(found, key=lambda other: (other.seed != study.seed, other.seed, other.name))

    def confirming(self, study: Study) -> Study | None:
        """The study that trains selected configurations of `study` again with fresh seeds, or None."""
        return next(
            (s for s in self.everything if s.confirms == study.name and s.data_sha256 == study.data_sha256), None
        )

    def confirmation(self, study: Study) -> pd.DataFrame | None:
        """Complete runs with fresh seeds of its configurations, with `source_trial_number` and `rank`, or None."""
        other = self.confirming(study)
        if other is None or not other.has_results:
            return None
        source = pd.DataFrame(list(other.complete["attributes"]), index=other.complete.index)
        return other.complete.assign(**{name: source[name] for name in ("source_trial_number", "rank")})

    def chosen_runs(self, study: Study) -> pd.DataFrame:
        """Runs of the selected configuration: with fresh seeds where it is confirmed, else those that selected it."""
        again = self.confirmation(study)
        if again is not None:
            fresh: pd.DataFrame = again[again["source_trial_number"] == study.selected["trial_number"]]
            if len(fresh):
                return fresh
        return study.selected_runs


def read_studies(
    database: "str | Engine",
    *,
    study: str | None = None,
    dataset: str | None = None,
    called: str = "runs.sqlite",
    stated: Mapping[str, Mapping[str, Any]] | None = None,
) -> Studies:
    """The studies of a database.

    Args:
        database: Path of an SQLite file, an SQLAlchemy URL, or an engine.
        study: One of them, by its name in the database or in its file.
        dataset: Those on one data set, by its name.
        called: What commands call the database.
        stated: Keys of a study's file, by its name in the database, that count instead of the stored ones: `claims`,
            `figures` and `page` of a study that an earlier version stored without them.

    Raises:
        FileNotFoundError: `database` is a path without a file.
        LookupError: The database has no run, no such study, or none on that data set.
    """
    return studies_of(read_tables(database), study=study, dataset=dataset, called=called, stated=stated)


def studies_of(
    tables: Tables,
    *,
    study: str | None = None,
    dataset: str | None = None,
    called: str = "runs.sqlite",
    stated: Mapping[str, Mapping[str, Any]] | None = None,
) -> Studies:
    """See `read_studies`."""
    everything = tuple(_studies(tables, called, stated or {}))
    shown = [s for s in everything if dataset is None or s.dataset == dataset]
    if not shown:
        there = ", ".join(sorted({s.dataset for s in everything}))
        raise LookupError(f"dataset must be one of {there}, but got {dataset}")
    if study is not None:
        named = [s for s in shown if s.name == study] or [s for s in shown if s.base_name == study]
        if not named:
            raise LookupError(f"study must be one of {', '.join(s.name for s in shown)}, but got {study}")
        shown = named
    return Studies(tuple(shown), everything)


def _studies(tables: Tables, called: str, stated: Mapping[str, Mapping[str, Any]]) -> Iterator[Study]:
    frozen: dict[Any, Any] = {row["study"]: row for row in tables.selections.to_dict("records")}
    runs_of = dict(iter(tables.runs.groupby("study", sort=False)))
    study_of = tables.runs.set_index("run_id")["study"]
    curves_of = dict(iter(tables.curves.groupby(tables.curves["run_id"].map(study_of), sort=False)))
    for row in tables.studies.to_dict("records"):
        name = row["study"]
        if name in runs_of:
            runs = runs_of[name]
            yield Study(
                name=name,
                base_name=row["base_name"],
                question=row["question"].strip(),
                driver=row["driver"],
                dataset=row["dataset"],
                data_sha256=row["data_sha256"],
                seed=int(row["seed"]),
                spec={**row["spec"], **stated.get(name, {})},
                all_runs=runs[runs["replicate"] < row["replicates"]].reset_index(drop=True),
                all_curves=curves_of.get(name, tables.curves.head(0)).reset_index(drop=True),
                commands=Commands(name, row["command"], called),
                frozen=frozen.get(name),
                created_at=row["created_at"],
                added=runs[runs["replicate"] >= row["replicates"]].reset_index(drop=True),
                predictions=Predictions(tables.predictions, name),
            )


def with_runs(table: pd.DataFrame, run_ids: Iterable[Any]) -> pd.DataFrame:
    """Note the runs behind a table in its `attrs`, sorted and once each."""
    table.attrs["run_ids"] = tuple(sorted({int(run_id) for run_id in run_ids}))
    return table
