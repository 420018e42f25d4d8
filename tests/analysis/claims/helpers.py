"""Tables with other runs, for claims."""

import dataclasses

import numpy as np
import pandas as pd


def shifted(tables, mask, column, amount):
    runs = tables.runs.copy()
    runs.loc[mask(runs), column] += amount
    return dataclasses.replace(tables, runs=runs)


def replicated(tables, accuracy, n_replicates):
    """The linear grid in several replicates, its accuracies a function of (rank of the rate, replicate)."""
    grid = tables.complete("linear-grid")
    ranks = grid["learning_rate"].rank(method="dense") - 1
    parts = [
        grid.assign(
            replicate=r, seed=r, run_id=10**6 * r + grid["run_id"], test_accuracy=[accuracy(k, r) for k in ranks]
        )
        for r in range(n_replicates)
    ]
    rest = tables.runs[tables.runs["study"] != "linear-grid"]
    return dataclasses.replace(tables, runs=pd.concat([rest, *parts], ignore_index=True))


def bump(k, r):
    """Noise of a tenth of a point that differs from seed to seed."""
    return 0.001 * np.random.default_rng([int(k), r]).uniform()
