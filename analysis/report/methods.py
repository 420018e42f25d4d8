"""How things are measured and compared: the sentences that close the page."""

from analysis.selection_rule import READ_AT, in_words
from analysis.statistics.intervals import LEVEL, MIN_BOOTSTRAP
from analysis.statistics.pairs import MIN_FLIPS, MIN_REPLICATES
from analysis.wording import percent_text

METHODS = (
    (
        "A run is read at the evaluation with the {} (ties: {}), unless its study says the last.".format(
            *in_words(READ_AT["best"])
        )
    ),
    (
        f"Intervals are at {percent_text(LEVEL, 0)}. Those of a mean are studentised bootstraps that resample whole "
        f"units from {MIN_BOOTSTRAP} independent units on, with fewer Student's t, with one there is none. Runs and "
        "never evaluations are resampled. A rank correlation of candidates has a BCa bootstrap over them, the "
        "probability that one run beats another DeLong's interval on the logit scale, and MLP against linear a normal "
        "one from images and seeds."
    ),
    (
        f"Pairs agree in everything but one factor and in the seeds of their replicate. From {MIN_REPLICATES} "
        "replicates on the replicates are the independent units. With fewer the learning rates of the linear grid "
        "are, each averaged over the third factor: such an interval says nothing about other seeds."
    ),
    (
        f"p values come from sign flips ({MIN_FLIPS} units or more) or Student's t, for MLP against linear from the "
        "normal distribution, and are corrected (Holm) over the claims that have one. Claims about a level, about "
        "single runs and about rankings have none: their criterion is stated with each."
    ),
    (
        "No difference of accuracies is called real that is smaller than the binomial standard error √(p (1 − p) / n) "
        "of one accuracy on the n test images."
    ),
    "Within 1 % means within one percentage point of the run's own best validation accuracy.",
    (
        "Expected best against number of trials is the unbiased estimate of Tang et al. (2020) with "
        "Dvoretzky–Kiefer–Wolfowitz bands."
    ),
    (
        "The report's captions 4 and 5 and its text refer to each other's figures; here 4 is momentum and "
        "5 is decay, as captioned."
    ),
)
