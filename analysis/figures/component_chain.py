"""The chain of components of a stored configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.errors import known
from analysis.figures import style
from analysis.figures.style import INK, MODELS, MUTED, new_figure
from analysis.studies import Studies, Study, with_runs
from analysis.wording import ACTIVATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from analysis.figures.requests import ComponentChain
N_FEATURES = {"mnist": "784", "fashion-mnist": "784", "digits": "64"}
"""Features of the data sets that are known by name; the database does not store them."""


def chain(
    widths: Sequence[int], activation: str, n_features: str, n_classes: str, *, batch_norm: bool = False
) -> list[dict[str, str]]:
    """Components from input to loss: `kind`, `label`, `parameters`, what is passed on and back."""
    parts = [{"kind": "input", "label": "image x", "parameters": "", "out": f"x: {n_features} pixels", "backward": ""}]
    width = n_features
    for layer, size in enumerate([*map(str, widths), n_classes], start=1):
        last = layer > len(widths)
        bias = f"b{layer}: {size}"
        logits = "logits " if last else ""
        parts.append(
            {
                "kind": "linear",
                "label": f"linear projection {layer}",
                "parameters": f"W{layer}: {size} × {width}" + ("" if batch_norm else f"\n{bias}"),
                "out": f"z{layer}: {size}" if batch_norm else f"{logits}z{layer}: {size}",
                "backward": "Wᵀ g   (32)",
            }
        )
        if batch_norm:
            parts.append(
                {
                    "kind": "linear",
                    "label": f"batch normalisation {layer}",
                    "parameters": f"γ{layer}: {size}\n{bias}",
                    "out": f"{logits}{size}",
                    "backward": "γ / σ · (g − mean(g) − x̂ mean(g x̂))",
                }
            )
        if not last:
            parts.append(
                {
                    "kind": activation,
                    "label": known(ACTIVATIONS, activation, "activation").name,
                    "parameters": "",
                    "out": f"{size}",
                    "backward": known(ACTIVATIONS, activation, "activation").backward,
                }
            )
        width = size
    loss = {"kind": "loss", "label": "negative log likelihood", "parameters": "", "out": "loss (nats)"}
    return [*parts, loss | {"backward": "softmax(z) − 1[gold]   (33)"}]


def _widths(chosen: Any) -> list[int]:
    """Units of each hidden layer; a database of an earlier version has no `hidden_sizes`."""
    stated = chosen.get("hidden_sizes")
    if isinstance(stated, str):
        return [int(width) for width in stated.split("-")]
    return [int(chosen["hidden_size"])] * int(chosen["hidden_layers"])


def table(study: Study, _studies: Studies, _request: ComponentChain) -> pd.DataFrame:
    """One row per component of the selected configuration."""
    chosen = study.selected
    parts = chain(
        _widths(chosen),
        str(chosen["activation"]),
        N_FEATURES.get(study.dataset, "n"),
        "c" if pd.isna(chosen["n_classes"]) else str(int(chosen["n_classes"])),
        batch_norm=chosen.get("batch_norm", False) is True,
    )
    out = pd.DataFrame(parts).assign(
        study=study.name, trial_number=int(chosen["trial_number"]), configuration=study.describe(chosen)
    )
    return with_runs(out, chosen["run_ids"])


def draw(table: pd.DataFrame) -> Figure:
    """Components from top to bottom; parameters on the left, what is passed forward and back on the right."""
    from matplotlib.patches import FancyBboxPatch

    n = len(table)
    figure, (panel,) = new_figure(height=0.62 * n + 0.55)
    panel.set_axis_off()
    panel.set_xlim(0, 10)
    panel.set_ylim(-n + 0.3, 1.15)
    colors = {"input": MUTED, "linear": MODELS["linear"].color, "loss": INK}
    colors |= {activation: look.color for activation, look in style.ACTIVATIONS.items()}
    box: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.12", "lw": 1.4}
    for place, row in enumerate(table.to_dict("records")):
        color = colors[row["kind"]]
        panel.add_patch(FancyBboxPatch((2.75, -place - 0.28), 3.5, 0.56, fc=color + "22", ec=color, **box))
        panel.text(4.5, -place, row["label"], ha="center", va="center", fontsize=9)
        if row["parameters"]:
            panel.add_patch(FancyBboxPatch((0.05, -place - 0.3), 1.95, 0.6, fc="none", ec=MUTED, ls=(0, (3, 2)), **box))
            panel.text(1.02, -place, row["parameters"], ha="center", va="center", fontsize=8)
            panel.annotate("", (2.75, -place), (2.0, -place), arrowprops={"arrowstyle": "->", "color": MUTED})
        if place < n - 1:
            down = {"arrowstyle": "->", "color": INK, "lw": 1.3, "shrinkA": 0, "shrinkB": 0}
            up = down | {"color": MUTED, "ls": (0, (3, 2))}
            panel.annotate("", (4.1, -place - 0.72), (4.1, -place - 0.28), arrowprops=down)
            panel.annotate("", (4.9, -place - 0.28), (4.9, -place - 0.72), arrowprops=up)
        panel.text(6.45, -place + 0.13, row["out"], va="center", fontsize=8)
        if row["backward"]:
            panel.text(6.45, -place - 0.16, f"back: {row['backward']}", va="center", fontsize=8, color=MUTED)
    panel.text(1.02, 0.8, "parameters", ha="center", fontsize=8.5, color=MUTED)
    panel.text(4.5, 0.8, "↓ forward    ↑ gradient", ha="center", fontsize=8.5, color=MUTED)
    panel.text(6.45, 0.8, "passed on, passed back", fontsize=8.5, color=MUTED)
    return figure


def caption(table: pd.DataFrame) -> str:
    """What is shown."""
    row = table.iloc[0]
    return (
        f"Drawn from the stored configuration selected in {row['study']} (trial {row['trial_number']}: "
        f"{row['configuration']}). Numbers in "
        "brackets are the report's equations; g is the gradient arriving from the component in front."
    )
