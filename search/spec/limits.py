"""How large a study may be, and whether a network fits into this machine's memory.

The limits are far beyond what anybody waits for: they are there so that a zero too many is a message at once and
not a computer that stops answering. Those of single hyperparameters stand in `engine.configuration`, those of an
axis in `search.spec.space`.
"""

import itertools
import os
import resource
from pathlib import Path

from engine.configuration import Configuration

MAX_TRIALS = 100_000
MAX_REPLICATES = 10_000
MAX_RUNS = 200_000
"""Trials times replicates."""
MAX_EVALUATIONS = 100_000
"""Epochs times evaluations per epoch, of one run."""
MAX_RUNGS = 20
MAX_NAME = 100
NAME_PATTERN = r"^[a-z0-9][a-z0-9_.-]*$"
"""What a study can be called."""
MAX_TEXT = 10_000
MAX_CLAIMS = 100
MAX_FIGURES = 100

COPIES = 4
"""Parameters, their velocities, a copy laid out for evaluation, and one to be saved; a further memory is one more."""
ACTIVATIONS = 3
"""A hidden unit's value, its derivative and its gradient, for each image of a batch."""
SHARE = 0.5
"""Of the machine's memory, what one training may take."""


def training_bytes(configuration: Configuration, n_features: int, n_classes: int, n_train: int) -> int:
    """Memory that training takes beside the data, to within a small factor."""
    c = configuration
    n_images = c.train_images or n_train
    n_parameters = sum(
        (before + 1) * after for before, after in itertools.pairwise(c.layer_sizes(n_features, n_classes))
    )
    n_copies = COPIES + 2 * bool(c.average) + 2 * c.optimizer.startswith("adam") + bool(c.adversarial)
    batch = min(c.batch_size, n_images)
    n_activations = batch * (n_features + ACTIVATIONS * sum(c.widths)) if batch > 1 else 0
    if c.batch_norm:  # two layers' outputs for every training image, when it is evaluated
        n_activations += n_images * max(map(sum, itertools.pairwise((*c.widths, n_classes, 0))))
    return (n_copies * n_parameters + n_activations) * (8 if c.dtype == "float64" else 4)


def memory_bytes() -> int:
    """What this process may use: the machine's memory, or less where the system grants less."""
    bounds = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        bounds.append(soft)
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            bounds.append(int(Path(file).read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such control group, or "max"
            continue
    return min(bounds)
