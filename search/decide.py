"""`digitsweep decide`: replicates of exactly the configurations that the open claims need, until each is settled.

    study ──claims──▶ Progress (open, about how many more, their cost) ──the cheapest──▶ run_study ──▶ look again

Each claim has an interval that holds at every look (analysis/statistics/sequences.py), so neither looking nor stopping
changes how often a verdict is wrong.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.claims.contrast import Progress
from analysis.claims.judge import progress_of
from analysis.statistics.sequences import MIN_DIFFERENCES
from analysis.studies import Study, read_studies
from engine.data.dataset import Dataset
from search.execution.coordinator import run_study
from search.execution.progress import Display
from search.execution.result import StudyResult
from search.naming import stored_source
from search.spec.meaning import CONFIRM
from search.spec.space import SpecError
from search.spec.study import StudySpec, parse_spec
from search.store import reading
from search.store.database import open_for_reading
from search.wording import count

if TYPE_CHECKING:
    from analysis.claims.claim import Claim


@dataclass(frozen=True)
class Decided:
    """Where the claims of a study stand.

    Attributes:
        study: the study's name in the database.
        claims: how far each of its claims is.
        n_trained: runs that were trained to get there.
        seconds: wall time.
        out_of_time: whether the time budget ended it.
        last: the last training's result, if any.
    """

    study: str
    claims: tuple[Progress, ...]
    n_trained: int
    seconds: float
    out_of_time: bool
    last: StudyResult | None


@dataclass(frozen=True)
class StoredStudy:
    """A study as the database has it.

    Attributes:
        name: its name there.
        spec: its file as it was last run.
        command: what was typed for that.
        data_source: what to load to have its data.
    """

    name: str
    spec: StudySpec
    command: str
    data_source: str | dict[str, Any]


def stored_study(database: str, study: str) -> StoredStudy:
    """A stored study, ready to go on.

    Raises:
        NoSuchStudyError: the database has none of that name.
        SpecError: what is stored cannot be run by this version.
    """
    sql = open_for_reading(database)
    try:
        with sql.connect() as connection:
            row = reading.find_study(connection, study)
    finally:
        sql.dispose()
    if row["driver"] == CONFIRM:
        raise SpecError(
            f"{row['name']} is a confirmation and states no claims; decide those of the study that it confirms"
        )
    spec = parse_spec(row["spec"], source=f"{row['name']} in {database}")
    return StoredStudy(row["name"], spec, row["command"], stored_source(spec.dataset, row["dataset"]))


def decide(
    database: str,
    study: str,
    dataset: Dataset,
    *,
    max_replicates: int,
    max_seconds: float | None = None,
    n_jobs: int | None = None,
    display: Display | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Decided:
    """Add replicates until every claim that they can settle is settled, or the budget ends.

    Args:
        database: path of a SQLite file or SQLAlchemy URL.
        study: the study, by its name in the database.
        dataset: its data.
        max_replicates: replicates that no trial goes beyond.
        max_seconds: no new run starts after this wall time.
        n_jobs: workers; None is one for each core.
        display: where progress goes.
        say: is told what is trained next, and why.

    Raises:
        SpecError: the study states no claim, or is a confirmation.
    """
    stored = stored_study(database, study)
    name = stored.name
    started = time.monotonic()
    n_trained, last = 0, None
    looked_at: Claim | None = None
    wanted: dict[int, int] = {}
    while True:
        left = None if max_seconds is None else max_seconds - (time.monotonic() - started)
        if left is not None and left <= 0:
            break
        # First what the file itself asks for; then the cheapest of the open claims.
        if last is not None:
            chosen = _next(look(database, name), max_replicates)
            if chosen is None:
                break
            target, claim = chosen
            wanted |= {number: max(n, wanted.get(number, 0)) for number, n in target.items()}
            if claim.claim != looked_at:
                say(f"{claim.claim.claim} {count(claim.n_tried, 'replicate')}; {_outlook(claim)}.")
            looked_at = claim.claim
        last = run_study(
            stored.spec, dataset, database=database, n_jobs=n_jobs, max_seconds=left, display=display,
            command=stored.command, name=name, replicates_of=wanted,
        )  # fmt: skip
        n_trained += last.n_trained
        if last.interrupted or last.recovered or last.not_saved or last.out_of_time or last.n_failed:
            break
        if wanted and not last.n_started:  # what was wanted is there already, and nothing would change
            break
    return Decided(
        study=name,
        claims=tuple(look(database, name)),
        n_trained=n_trained,
        seconds=time.monotonic() - started,
        out_of_time=(last is not None and last.out_of_time) or (left is not None and left <= 0),
        last=last,
    )


def look(database: str, study: str) -> list[Progress]:
    """How far each claim of a study is."""
    studies = read_studies(database, study=study)
    found: Study = studies.shown[0]
    claims = progress_of(found, studies)
    if not claims:
        raise SpecError(f"study {study} states no claim that could be decided; write some under claims in its file")
    return claims


def _next(claims: list[Progress], max_replicates: int) -> tuple[dict[int, int], Progress] | None:
    """The claim whose settling is cheapest, and replicates of its trials; None where nothing is left to do."""
    open_ = [each for each in claims if each.is_open and each.n_tried < max_replicates]
    if not open_:
        return None
    cheapest = min(open_, key=lambda each: _cost(each, max_replicates))
    assert cheapest.contrast is not None
    # A look after each replicate costs little; before the fifth nothing is decided.
    goal = min(max(cheapest.n_tried + 1, MIN_DIFFERENCES), max_replicates)
    return dict.fromkeys(cheapest.contrast.trials, goal), cheapest


def _outlook(claim: Progress) -> str:
    assert claim.decision is not None
    if claim.decision.more:
        return f"about {claim.decision.more} more would settle it"
    return "how many it takes cannot be told yet"


def _cost(claim: Progress, max_replicates: int) -> tuple[bool, float]:
    """Seconds of one worker until a claim is settled; those last that are not to be within the budget."""
    assert claim.decision is not None
    assert claim.contrast is not None
    n = len(claim.contrast.differences)
    more = claim.decision.more
    unlikely = n >= MIN_DIFFERENCES and (more is None or n + more > max_replicates)
    more = more or max(MIN_DIFFERENCES - n, 1)
    return unlikely, more * (claim.seconds if math.isfinite(claim.seconds) else 0.0)
