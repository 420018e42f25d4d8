"""What this project promises about its speed, as ratios taken from one run of the measurements."""

from typing import Any, NamedTuple

US = "digitsweep"


class Ratio(NamedTuple):
    """One promise.

    Attributes:
        what: in words.
        value: as measured.
        sign: `≥` or `≤`.
        wanted: the promise.
    """

    what: str
    value: float
    sign: str
    wanted: float

    @property
    def holds(self) -> bool:
        """Whether it is kept."""
        return self.value >= self.wanted if self.sign == "≥" else self.value <= self.wanted


# Job, peer, times faster.
_JOBS = (
    ("linear grid, 32 runs", "JAX", 3.0),
    ("linear grid, 32 runs", "PyTorch", 9.0),
    ("linear grid, peers one by one", "PyTorch", 100.0),
    ("one MLP, momentum", "JAX", 2.5),
    ("one MLP, momentum", "PyTorch", 20.0),
    ("50 random MLPs", "JAX", 2.5),
)


def ratios(found: dict[str, Any]) -> list[Ratio]:
    """All promises whose peers were measured."""
    table: list[Ratio] = []
    seconds = {(row["job"], row["peer"]): row["seconds"] for row in found["jobs"]}
    for job, peer, wanted in _JOBS:
        if (job, peer) in seconds:
            table.append(Ratio(f"{job}: times faster than {peer}", seconds[job, peer] / seconds[job, US], "≥", wanted))
    tanh = seconds["one MLP, momentum, tanh", US] / seconds["one MLP, momentum", US]
    table.append(Ratio("one MLP, momentum: tanh over ReLU", tanh, "≤", 1.3))
    units = {(row["label"], row["peer"]): row for row in found["units"] if "unsupported" not in row}
    for (label, peer), row in units.items():
        if "batches" in label and peer == "PyTorch":
            ours = units[label, US]["us_per_image"]
            batches = label.rsplit(", ", 1)[1]
            table.append(Ratio(f"MLP, {batches}: times faster than {peer}", row["us_per_image"] / ours, "≥", 1.0))
    cores = {(row["peer"], row["cores"]): row["seconds"] for row in found["two_cores"]}
    if (US, 2) in cores:
        table.append(Ratio("2 × 800 in batches: time on two cores over one", cores[US, 2] / cores[US, 1], "≤", 0.6))
    if found["against_c"]:
        share = found["against_c"]["c_ms"] / found["against_c"]["ours_ms"]
        table.append(Ratio("evaluation: speed relative to C with AVX-512", share, "≥", 0.7))
    studies = {(row["study"], row["workers"]): row for row in found["studies"]}
    for study in ("linear grid", "eight MLPs"):
        value = studies[study, 1]["seconds"] / studies[study, 2]["seconds"]
        table.append(Ratio(f"{study}, stored: two workers over one", value, "≥", 1.8))
    storage = studies["linear grid", 2]["storage"] / studies["linear grid", 2]["seconds"]
    table.append(Ratio("linear grid: share of storage in wall time", storage, "≤", 0.1))
    table.append(Ratio("linear grid: peak memory, GB", studies["linear grid", 2]["megabytes"] / 1e3, "≤", 0.7))
    return table
