"""What kernels are given, in groups: named tuples of arrays outside, of the arrays' elements inside.

Layout of weights: a matrix of shape (n_in, n_out) lies in *chunks* of sixteen columns, each chunk contiguous:
(chunk, n_in, 16). Sixteen lanes are sixteen units of one network, or one class of sixteen linear models. From one chunk
to the next is an odd number of vectors (`engine.kernels.packing.chunk_size`), so there may be one unused between them.
"""

from typing import Any, NamedTuple

from engine.compiled import inlined
from engine.kernels.simd import Elements, get


class Packed(NamedTuple):
    """Parameters and their velocities in the layout of kernels, those of all layers flat (`engine.kernels.packing`)."""

    w: Elements
    b: Elements
    w_velocity: Elements
    b_velocity: Elements


class Images(NamedTuple):
    """Sparse rows: the pixels of image i are number `starts[i]` to `starts[i + 1]` of `columns` and `values`."""

    starts: Elements
    columns: Elements
    values: Elements
    labels: Elements


class Lists(NamedTuple):
    """Lists of touched rows (`engine.kernels.lazy_rows`), and for each row how many updates its memory has seen.

    Entry k: 16 × row, the row's input, and 16 × the number of updates since the row was touched.
    """

    row: Elements
    x: Elements
    gap: Elements
    last: Elements


class Rule(NamedTuple):
    """What an update does, lane by lane, besides the gradient (`engine.kernels.propagators`).

    `settings` are (4, 16) and float64: learning rate γ, β, κ, weight decay λ. `propagators` are A, B, C and D, shape
    (4, LONGEST_GAP + 2, 16), filled by the kernel. `bias_steps` are (2, 16): −γβ, β; `step_sizes` are (2, 16):
    −γκ, κ; zeros in an empty lane.
    """

    has_momentum: bool
    has_weight_decay: bool
    settings: Elements
    propagators: Elements
    bias_steps: Elements
    step_sizes: Elements


class Signals(NamedTuple):
    """Outputs of each layer, and the loss's gradients for them: (n_layers, `widest`), zeros."""

    outputs: Elements
    errors: Elements
    widest: int


class Sigma(NamedTuple):
    """An activation: its code in `engine.kernels.vector_math`, and whether units with output 0 are left out."""

    code: int
    can_be_off: bool


class Dropout(NamedTuple):
    """For inputs and hidden units: thresholds (0 drops nothing) and what kept ones are multiplied by.

    `seed` and `first_update` are what the masks are a hash of (`engine.dropout`).
    """

    input_threshold: int
    hidden_threshold: int
    input_scale: Any
    hidden_scale: Any
    seed: int
    first_update: int


class Layer(NamedTuple):
    """A row of the table of layers: sizes, and where its weights, biases, list of inputs and their touches begin.

    `chunk_size` is how many weights lie between the start of a chunk and that of the next.
    """

    n_in: int
    n_out: int
    n_chunks: int
    weights: int
    biases: int
    inputs: int
    touches: int
    chunk_size: int


class Spans(NamedTuple):
    """Where the lists of two images lie: of the one before, whose update is due, and of the next."""

    previous_start: int
    previous_stop: int
    start: int
    stop: int


@inlined
def layer_of(table: Elements, number: int) -> Layer:
    """Row `number` of the table of layers, (n_layers, 8) and int64."""
    row = 8 * number
    return Layer(
        get(table, row), get(table, row + 1), get(table, row + 2), get(table, row + 3),
        get(table, row + 4), get(table, row + 5), get(table, row + 6), get(table, row + 7),
    )  # fmt: skip
