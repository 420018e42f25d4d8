"""What the runs of a trial draw anew and what they share: a study's `replicates`, `vary` and `split`, run by run.

    vary: [order]                             replicate r: order at level r, everything else at level 0
    vary: {initialisation: 4, order: 4}       sixteen replicates: each level of one with each of the other
    split: {folds: 5}, split: {resample: 5}   replicate r is trained on cut r, from the first again after the last
    none of these                             replicate r: everything that is drawn in training at level r

Level l of a stream is what it draws in replicate l of a study without `vary`. Replicate r of every trial is at the same
levels, so runs pair up whatever is varied.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.cuts import Cut
from engine.data.dataset import Dataset
from engine.errors import shown
from engine.seeds import RUN_STREAMS, Seed, derive_seed, run_seed
from search.spec.limits import MAX_REPLICATES
from search.spec.space import SpecError

if TYPE_CHECKING:
    from search.spec.study import StudySpec

STREAMS = ("split", *RUN_STREAMS)
"""What a run's randomness is made of: which images are for validation, and what it draws in training."""

DRAWN_WITH_DROPOUT = ("dropout_input", "dropout_hidden", "noise_input", "noise_hidden")
"""The hyperparameters for which the stream `dropout` draws anything."""

SPLITS = {"folds": 2, "resample": 1}
"""How the cuts are made, and how few of them there can be."""


@dataclass(frozen=True)
class Replicate:
    """One run of every trial.

    Attributes:
        number: from 0.
        levels: of its streams, each from 0; without `split` where the data set's own cut is used.
        seed: of what it draws in training.
        cut: the images it is trained on; None is the data set's own.
    """

    number: int
    levels: Mapping[str, int]
    seed: Seed
    cut: Cut | None = None


def vary_key(value: object) -> object:
    """`vary:` as it stands in a file, checked by itself: names, or names with numbers of levels.

    Raises:
        ValueError: with what is wrong, in words.
    """
    if value is None:
        return value
    if not isinstance(value, list | dict) or not value:
        raise ValueError(
            f"must be a list of streams, as in [order], or streams with their numbers of levels, as in "
            f"{{initialisation: 4, order: 4}}, but got {shown(value)}"
        )
    for i, name in enumerate(value):
        if name not in STREAMS or list(value).index(name) != i:
            raise ValueError(f"the streams are {', '.join(STREAMS)}, each once, but got {shown(name)}")
        if isinstance(value, dict) and not _is_count(value[name], 1):
            raise ValueError(f"{name}: levels >= 1 and <= {MAX_REPLICATES:,} must hold, but got {shown(value[name])}")
    return value


def split_key(value: object) -> object:
    """`split:` as it stands in a file, checked by itself.

    Raises:
        ValueError: with what is wrong, in words.
    """
    if value is None:
        return value
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in SPLITS:
        raise ValueError(f"must be {{folds: 5}} or {{resample: 5}}, with a number of cuts, but got {shown(value)}")
    ((kind, n),) = value.items()
    if not _is_count(n, SPLITS[kind]):
        raise ValueError(f"{kind} >= {SPLITS[kind]} and <= {MAX_REPLICATES:,} must hold, but got {shown(n)}")
    return value


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_REPLICATES


def with_replicates(raw: Any) -> Any:
    """A study with its number of replicates written out where `vary` or `split` says it.

    Raises:
        ValueError: another number is given than a crossed study has.
    """
    if not isinstance(raw, dict):
        return raw
    vary, split, given = raw.get("vary"), raw.get("split"), raw.get("replicates")
    try:
        vary, split = vary_key(vary), split_key(split)
    except ValueError:  # found again where the key itself is checked
        return raw
    if isinstance(vary, dict):
        n = math.prod(vary.values())
        levels = " × ".join(f"{levels} of {name}" for name, levels in vary.items())
        if n > MAX_REPLICATES:
            raise ValueError(f"vary: a trial has at most {MAX_REPLICATES:,} runs, but {levels} are {n:,}")
        if given is not None and given != n:
            raise ValueError(
                f"replicates: follow from vary ({levels} are {n:,}), but got {shown(given)}; leave them out"
            )
        return raw | {"replicates": n}
    if isinstance(split, dict) and given is None and (vary is None or "split" in vary):  # type: ignore[operator]
        return raw | {"replicates": next(iter(split.values()))}
    return raw


def check_replication(spec: "StudySpec") -> None:
    """SpecError where `vary` asks for what the study does not have, or makes runs that no claim can be tested on."""
    if isinstance(spec.vary, dict) and spec.claims:
        raise SpecError(
            "a crossed study says whose the noise is, and its runs, which share what they draw, decide no claim; make "
            "the claims in a study of the same configurations without levels",
            path="claims",
        )
    if isinstance(spec.vary, dict) and spec.split is not None:
        ((kind, n),) = spec.split.items()
        if spec.vary.get("split", 1) > n:
            raise SpecError(
                f"{spec.vary['split']} cuts are to be crossed, but split has {kind}: {n}", path="vary.split"
            )
    draws = any(spec.fixed.get(name) or name in spec.varied for name in DRAWN_WITH_DROPOUT)
    alone = spec.vary == ["dropout"] and spec.replicates > 1
    crossed = isinstance(spec.vary, dict) and spec.vary.get("dropout", 1) > 1
    if (alone or crossed) and not draws:
        raise SpecError(
            "dropout is varied, but no trial drops anything or adds noise, so runs would be the same; set one of "
            f"{', '.join(DRAWN_WITH_DROPOUT)}, or leave dropout out",
            path="vary",
        )


def draws_of(spec: "StudySpec", n: int | None = None) -> list[Replicate]:
    """The runs that every trial of a study has, in the order of their numbers.

    Args:
        spec: the study.
        n: how many of them, instead of as many as the study asks for.

    Raises:
        SpecError: more than a crossed study has.
    """
    n = spec.replicates if n is None else n
    if isinstance(spec.vary, dict) and n > spec.replicates:
        raise SpecError(
            f"the replicates of a crossed study are numbered through, so there are no more than {spec.replicates:,}, "
            f"but got {n:,}",
            path="vary",
            source=spec.source,
        )
    return [
        Replicate(number, levels, run_seed(spec.seed, {name: levels[name] for name in RUN_STREAMS}), _cut(spec, levels))
        for number, levels in enumerate(_levels(spec, n))
    ]


def _levels(spec: "StudySpec", n: int) -> list[dict[str, int]]:
    has_cuts = spec.split is not None or (spec.vary is not None and "split" in spec.vary)
    streams = STREAMS if has_cuts else tuple(RUN_STREAMS)
    if isinstance(spec.vary, dict):
        ranges = [range(spec.vary.get(name, 1)) for name in streams]
        return [dict(zip(streams, levels, strict=True)) for levels in itertools.product(*ranges)][:n]
    n_cuts = n if spec.split is None else next(iter(spec.split.values()))
    return [
        {name: (r % n_cuts if name == "split" else r) if name in (spec.vary or STREAMS) else 0 for name in streams}
        for r in range(n)
    ]


def _cut(spec: "StudySpec", levels: Mapping[str, int]) -> Cut | None:
    if "split" not in levels:
        return None
    if spec.split is not None and "folds" in spec.split:
        return Cut(derive_seed(spec.seed, 0), spec.split["folds"], levels["split"])
    return Cut(derive_seed(spec.seed, levels["split"]))


def part_sizes(spec: "StudySpec", dataset: Dataset) -> tuple[int, int]:
    """Images that a study's runs train on and validate with; of folds that differ by one, those of the first.

    Raises:
        SpecError: the data set has fewer images than there are to be folds.
    """
    cut = draws_of(spec)[0].cut
    if cut is None:
        return len(dataset.train), len(dataset.validation)
    n = len(dataset.train) + len(dataset.validation)
    if cut.folds is not None and cut.folds > n:
        raise SpecError(
            f"folds <= {n:,} must hold for this data set, but got {cut.folds:,}", path="split", source=spec.source
        )
    return cut.sizes(dataset)


def in_words(spec: "StudySpec") -> str:
    """What the replicates of a study are, for a note: `replicates 5, split folds: 5`."""
    words = [f"replicates {spec.replicates}"]
    if spec.split is not None:
        words += [f"split {kind}: {n}" for kind, n in spec.split.items()]
    if isinstance(spec.vary, dict):
        words.append("crossed " + " × ".join(f"{name} {n}" for name, n in spec.vary.items()))
    elif spec.vary is not None:
        words.append(f"varied {', '.join(spec.vary)}")
    return ", ".join(words)
