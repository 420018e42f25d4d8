"""Softmax, its loss and the chosen class, for sixteen lanes at once: sixteen models, or sixteen images of one model.

Logits lie class by class, (n_classes, 16). Every lane goes through the same operations in the same order, so it
makes no difference to a model which of the two its lanes are, or what is in the others.
"""

from engine.compiled import inlined
from engine.kernels.simd import (
    LANES,
    Elements,
    Lanes,
    add,
    divide,
    load,
    maximum,
    multiply,
    store,
    subtract,
    where_less,
    zero,
)
from engine.kernels.vector_math import exp


@inlined
def softmax_of_lanes(z: Elements, n_classes: int, label: int, e: Elements, one: Lanes) -> Lanes:
    """Write softmax(z) to `e`; return 0 in lanes whose loss for class `label` is finite, else NaN.

    With m = max z: e = exp(z − m) and s = Σ e over the classes in their order; softmax = e · (1/s) and the loss is
    log s − (z_y − m), which is finite where s and z_y − m are.
    """
    largest = load(z, 0)
    for class_ in range(1, n_classes):
        largest = maximum(largest, load(z, class_ * LANES))
    total = zero(z)
    for class_ in range(n_classes):
        power = exp(subtract(load(z, class_ * LANES), largest))
        store(e, class_ * LANES, power)
        total = add(total, power)
    inverse = divide(one, total)
    for class_ in range(n_classes):
        store(e, class_ * LANES, multiply(load(e, class_ * LANES), inverse))
    distance = subtract(load(z, label * LANES), largest)
    return add(subtract(total, total), subtract(distance, distance))


@inlined
def classify_lanes(z: Elements, start: int, n_classes: int, class_numbers: Elements) -> tuple[Lanes, Lanes, Lanes]:
    """The largest logit m, s = Σ exp(z − m), and the class of the largest logit, the first among equals.

    The class is a number in the logits' type, taken from `class_numbers`, (n_classes, 16): 0, 0, … 1, 1, …
    """
    largest = load(z, start)
    chosen = load(class_numbers, 0)
    for class_ in range(1, n_classes):
        logit = load(z, start + class_ * LANES)
        chosen = where_less(largest, logit, load(class_numbers, class_ * LANES), chosen)
        largest = maximum(largest, logit)
    total = zero(z)
    for class_ in range(n_classes):
        total = add(total, exp(subtract(load(z, start + class_ * LANES), largest)))
    return largest, total, chosen
