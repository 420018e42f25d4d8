"""The one table of forms of momentum: v ← βv + κg, w ← w − γv, with the β and κ of each form.

Configurations take their names from here, optimizers and kernels their numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import entry


@dataclass(frozen=True)
class MomentumForm:
    """What a form makes of the β that was asked for.

    Attributes:
        name: as written in a study's file; `none` is what `momentum: false` means.
        beta: asked β → the share of the velocity that survives an update.
        kappa: asked β → how much of a gradient enters the velocity.
        has_velocity: whether the velocity is anything but the last gradient, and so has to be kept.
    """

    name: str
    beta: Callable[[float], float]
    kappa: Callable[[float], float]
    has_velocity: bool = True


MOMENTUM_FORMS = {
    form.name: form
    for form in (
        # Equations 21 and 28.
        MomentumForm("none", beta=lambda _: 0.0, kappa=lambda _: 1.0, has_velocity=False),
        # The report's weighted average of the past directions (section 2.3).
        MomentumForm("average", beta=lambda beta: beta, kappa=lambda beta: 1 - beta),
        # Polyak 1964.
        MomentumForm("heavy_ball", beta=lambda beta: beta, kappa=lambda _: 1.0),
    )
}


def momentum_form(name: str) -> MomentumForm:
    """The form of that name.

    Raises:
        ConfigurationError: there is none.
    """
    return entry(MOMENTUM_FORMS, "momentum form", name)


OPTIMIZERS = ("sgd", "nesterov", "adam", "adamw")
"""The names of what makes steps of gradients; `engine.optimizers` has the classes, whose steps are compiled."""
