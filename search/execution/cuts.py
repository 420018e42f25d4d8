"""The cuts of a data set that runs are trained on: made when they are asked for, and as many kept as memory bears."""

from collections import OrderedDict

from engine.cuts import Cut
from engine.data.dataset import Dataset
from search.spec.limits import memory_bytes

MEMORY_SHARE = 0.05
"""Of the machine's memory, what cuts that no run trains on may take."""


class Cuts:
    """One data set and its cuts; those asked for last are kept, at least `n_in_use` of them."""

    def __init__(self, dataset: Dataset, n_in_use: int) -> None:
        self._whole = dataset
        self._made: OrderedDict[Cut, Dataset] = OrderedDict()
        rows = (dataset.train.rows, dataset.validation.rows)
        n_bytes = sum(r.indptr.nbytes + r.indices.nbytes + r.values.nbytes for r in rows)
        self._most = max(n_in_use, int(memory_bytes() * MEMORY_SHARE / max(1, n_bytes)))

    def of(self, cut: Cut | None) -> Dataset:
        """The data set cut so; None is its own cut."""
        if cut is None:
            return self._whole
        if cut not in self._made:
            self._made[cut] = cut.of(self._whole)
            if len(self._made) > self._most:
                self._made.popitem(last=False)
        self._made.move_to_end(cut)
        return self._made[cut]
