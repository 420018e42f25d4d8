"""performance.md and performance.png, made from the numbers of one run."""

from pathlib import Path
from typing import Any

from benchmarks import floor
from benchmarks.ratios import US, ratios
from benchmarks.workloads import MLP, MLP_PLAIN, SIXTEEN, SIXTEEN_MOMENTUM, WIDE

# Okabe & Ito's colours, told apart by the colour-blind.
COLOURS = {US: "#0072b2", "JAX": "#e69f00", "PyTorch": "#d55e00", "scikit-learn": "#009e73"}
SHARE_ON = 0.5  # of ReLU's units, about what trained networks have


def write(found: dict[str, Any], folder: Path) -> None:
    """Both files, into the folder."""
    (folder / "performance.md").write_text(markdown(found))
    draw(found, folder / "performance.png")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def markdown(found: dict[str, Any]) -> str:
    """The document: the machine, the promises, then every table."""
    peers = list(found["versions"])
    about = (
        f"Written by `{found['command']}` on {found['measured']}; its numbers are in `performance.json`. "
        f"{found['machine']['processor']}, {found['machine']['cores']} cores, {found['machine']['system']}; MNIST, "
        "60,000 training images (50,000 + 10,000 validation) and 10,000 for test; one core and one thread for each "
        "peer unless said. Peers are asked in turns, each in a process of its own, and medians of "
        f"{found['rounds']} rounds count; compilation is left out for all. When they began, the "
        f"machine had a load of {found['load']} from other work.\n"
    )
    again = (
        "The numbers depend on the machine; the ratios less so. To measure on yours: "
        "`.venv/bin/pip install '.[bench]'`, then `make bench`. A peer that is not installed is named and left out.\n"
    )
    if found["missing"]:
        about += f"\nNot installed, so not measured: {', '.join(found['missing'])}.\n"
    jobs = (
        "Five epochs of 50,000 updates by single images and 25 evaluations of all 70,000 images in each run; nothing "
        "stored. `computed`: what a fifth of an epoch and one evaluation take, 25 times.\n"
    )
    parts = [
        "# Performance\n",
        about,
        again,
        _table(["peer", "version"], [[name, found["versions"][name]] for name in peers]),
        "![Whole jobs, and how cost grows](performance.png)\n",
        "## What is promised, and what was measured\n",
        _table(
            ["", "measured", "promised", ""],
            [
                [r.what, f"{r.value:.2f}", f"{r.sign} {r.wanted:g}", "" if r.holds else "**not reached**"]
                for r in ratios(found)
            ],
        ),
        "## Whole jobs, on one core\n",
        jobs,
        _jobs(found, peers),
        "## One update, one evaluation\n",
        "Microseconds for each image trained on, for all members together / milliseconds to evaluate 70,000 images.\n",
        _units(found, peers),
        _faster(found),
        _start_up(found),
        _two_cores(found),
        "## Studies, with storage and Optuna mirror\n",
        _table(
            ["study", "workers", "seconds", "of these, storage", "peak memory, MB"],
            [
                [
                    row["study"],
                    str(row["workers"]),
                    f"{row['seconds']:.2f}",
                    f"{row['storage']:.2f}",
                    f"{row['megabytes']:.0f}",
                ]
                for row in found["studies"]
            ],
        ),
        "## The floor\n",
        _floor(found),
    ]
    if found["growth"]:
        parts += ["## How cost grows\n", *_growth(found, peers)]
    parts += ["## Memory\n", _memory(found, peers)]
    return "\n".join(parts)


def _jobs(found: dict[str, Any], peers: list[str]) -> str:
    seconds = {(row["job"], row["peer"]): row for row in found["jobs"]}
    rows = []
    for job in dict.fromkeys(row["job"] for row in found["jobs"]):
        cells = [job]
        for peer in peers:
            row = seconds.get((job, peer))
            if row is None:
                cells.append("")
                continue
            times = "" if peer == US else f" ({row['seconds'] / seconds[job, US]['seconds']:.1f}×)"
            computed = " computed" if row["how"].startswith("computed") else ""
            cells.append(f"{_number(row['seconds'])} s{times}{computed}")
        rows.append(cells)
    return _table(["job", *peers], rows)


def _units(found: dict[str, Any], peers: list[str]) -> str:
    cells = {(row["label"], row["peer"]): row for row in found["units"]}
    rows = []
    for label in dict.fromkeys(row["label"] for row in found["units"]):
        line = [label]
        for peer in peers:
            row = cells.get((label, peer))
            if row is None or "unsupported" in row:
                line.append("—")
            else:
                line.append(f"{row['us_per_image']:.3g} / {row['ms_per_evaluation']:.0f}")
        rows.append(line)
    return _table(["model", *peers], rows)


def _faster(found: dict[str, Any]) -> str:
    """Where a peer updates or evaluates in less time than this project."""
    ours = {row["label"]: row for row in found["units"] if row["peer"] == US}
    cases = [
        f"{row['peer']} {words} of {row['label']} ({row[key]:.3g} against {ours[row['label']][key]:.3g} {unit})"
        for key, words, unit in (
            ("us_per_image", "in updates", "µs"),
            ("ms_per_evaluation", "in evaluations", "ms"),
        )
        for row in found["units"]
        if "unsupported" not in row and row[key] < ours[row["label"]][key]
    ]
    return f"Faster than this project: {'; '.join(cases) or 'no peer, in none of these'}.\n"


def _start_up(found: dict[str, Any]) -> str:
    seconds = ", ".join(f"{peer} {value:.1f} s" for peer, value in found["start_up"].items())
    return (
        f"From nothing to a fifth of an epoch of 784–10 and its evaluation, imports and all compilation: {seconds}.\n"
    )


def _two_cores(found: dict[str, Any]) -> str:
    """One run on one core and on two, wall time."""
    seconds = {(row["peer"], row["cores"]): row["seconds"] for row in found["two_cores"]}
    cells = [
        f"{peer} {seconds[peer, 1]:.2f} s and {seconds[peer, 2]:.2f} s ({seconds[peer, 2] / seconds[peer, 1]:.2f})"
        for peer in dict.fromkeys(peer for peer, _ in seconds)
    ]
    return f"A fifth of an epoch and an evaluation of {WIDE} on one core and on two, wall time: {'; '.join(cells)}.\n"


def _floor(found: dict[str, Any]) -> str:
    costs = found["vector_nanoseconds"]
    units = {row["label"]: row for row in found["units"] if row["peer"] == US}
    rows = []
    for training in (SIXTEEN, SIXTEEN_MOMENTUM, MLP_PLAIN, MLP):
        update, image = floor.floor_of(training, found["pixels_per_image"], SHARE_ON, costs)
        ours = units[str(training)]
        evaluated = ours["ms_per_evaluation"] / 70
        rows.append(
            [
                str(training),
                f"{update:.2f}",
                f"{ours['us_per_image']:.2f} ({update / ours['us_per_image']:.0%})",
                f"{image:.2f}",
                f"{evaluated:.2f} ({image / evaluated:.0%})",
            ]
        )
    measured = ", ".join(f"{name} {value:.2f} ns" for name, value in costs.items())
    text = (
        f"An MNIST image has {found['pixels_per_image']:.0f} non-zero pixels of 784. Counted are the multiply-adds of "
        "sixteen float32 that an update or an evaluation cannot do without, each at the cost that this machine needs "
        f"for one in a plain loop over the first cache ({measured}). Lists, softmax, loss and waiting are not "
        "counted, and a model of sixteen members (0.5 MB, twice that with momentum) does not fit the first cache, so "
        "the floor is out of reach; it says how much could be left to gain at most.\n"
    )
    head = ["model", "floor, µs an update", "ours", "floor, µs an image evaluated", "ours"]
    return text + "\n" + _table(head, rows)


def _growth(found: dict[str, Any], peers: list[str]) -> list[str]:
    parts = []
    for factor in dict.fromkeys(row["factor"] for row in found["growth"]):
        rows = [row for row in found["growth"] if row["factor"] == factor]
        values = list(dict.fromkeys(row["value"] for row in rows))
        if "seconds" in rows[0]:
            head, lines = (
                [factor, f"{US}, seconds of a run"],
                [[f"{r['value']:,}", f"{r['seconds']:.2f}"] for r in rows],
            )
            about = "a network of 2 × 100 with momentum and ten evaluations, or five an epoch"
        else:
            present = [peer for peer in peers if any(row["peer"] == peer for row in rows)]
            cells = {(row["value"], row["peer"]): row for row in rows}
            head = [factor, *present]
            lines = [
                [
                    str(value),
                    *[
                        f"{cells[value, peer]['us_per_image']:.3g} / {cells[value, peer]['ms_per_evaluation']:.0f}"
                        if (value, peer) in cells
                        else "—"
                        for peer in present
                    ],
                ]
                for value in values
            ]
            about = "with momentum: µs an update, all members together / ms an evaluation"
        parts.append(f"With {factor} ({about}):\n\n{_table(head, lines)}")
    return parts


def _memory(found: dict[str, Any], peers: list[str]) -> str:
    text = (
        "Peak resident memory of each peer's process after a linear model and its evaluation; 220 MB of it are the "
        "dense images that every peer is given. This project's own studies are above.\n"
    )
    first = [row for row in found["units"] if row["label"] == found["units"][0]["label"] and "megabytes" in row]
    cells = {row["peer"]: f"{row['megabytes']:.0f} MB" for row in first}
    return text + "\n" + _table(["", *peers], [["peak", *[cells.get(peer, "—") for peer in peers]]])


def draw(found: dict[str, Any], path: Path) -> None:
    """Whole jobs as bars, growth as lines; logarithmic axes."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    lines = ["members", "width of two layers", "hidden layers of 100"] if found["growth"] else []
    figure, axes = plt.subplots(1, 1 + len(lines), figsize=(5.2 + 3.2 * len(lines), 3.8), layout="constrained")
    bars = axes[0] if lines else axes
    jobs = list(dict.fromkeys(row["job"] for row in found["jobs"]))
    peers = [peer for peer in COLOURS if any(row["peer"] == peer for row in found["jobs"])]
    height = 0.8 / len(peers)
    for i, peer in enumerate(peers):
        for j, job in enumerate(jobs):
            for row in found["jobs"]:
                if row["job"] == job and row["peer"] == peer:
                    y = len(jobs) - 1 - j + (len(peers) - 1 - 2 * i) * height / 2
                    bars.barh(y, row["seconds"], height, color=COLOURS[peer], label=peer if j == 1 else None)
                    bars.annotate(
                        f"{_number(row['seconds'])} s", (row["seconds"], y), (3, 0), textcoords="offset points",
                        va="center", fontsize=8,
                    )  # fmt: skip
    bars.set_yticks(range(len(jobs)), [job.replace(", ", "\n") for job in reversed(jobs)])
    bars.set_xscale("log")
    bars.set_xlim(right=bars.get_xlim()[1] * 4)
    bars.set_xlabel("seconds, one core")
    bars.set_title("Whole jobs", fontsize=10)
    for axis, factor in zip(axes[1:] if lines else [], lines, strict=True):
        for peer in peers:
            rows = [r for r in found["growth"] if r["factor"] == factor and r["peer"] == peer]
            if len(rows) > 1:
                axis.plot(
                    [r["value"] for r in rows], [r["us_per_image"] for r in rows], "o-", ms=4, color=COLOURS[peer]
                )
        values = sorted({r["value"] for r in found["growth"] if r["factor"] == factor})
        axis.set_xscale("log")
        axis.set_xticks(values, [str(value) for value in values])
        axis.minorticks_off()
        axis.set_yscale("log")
        axis.set_xlabel(factor)
        axis.set_ylabel("µs an update")
        axis.set_title(f"Growth with {factor}", fontsize=10)
    handles, labels = bars.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(peers), frameon=False)
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    plt.close(figure)
