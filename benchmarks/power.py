"""What a claim of a difference can show: the chance of the verdict against its size and the number of replicates.

    python -m benchmarks.power

Prints the tables of docs/statistics.md. Sizes are in standard deviations of the differences between replicates, which
the page gives as effect sizes. Both are exact for normal differences: of Student's t the noncentral distribution; of
two one-sided tests the probability that the mean lies inside what the standard deviation leaves of the margin,
averaged over the distribution of the standard deviation.
"""

import numpy as np
from scipy import stats

from analysis.statistics.intervals import ALPHA

REPLICATES = (2, 3, 5, 8, 12, 20, 32, 64)
EFFECTS = (0.0, 0.3, 0.5, 0.7, 1.0, 1.5, 2.5)
MARGINS = (0.3, 0.5, 0.7, 1.0, 1.5, 2.5)
N_CLAIMS = 10
"""Claims of a page, for what the smallest of their p values must stay under by Holm's correction."""
_QUANTILES = (np.arange(4000) + 0.5) / 4000


def of_difference(effect: float, n: int, alpha: float = ALPHA) -> float:
    """The chance that the claim of a difference, in the direction that it has, is supported.

    Args:
        effect: The true mean difference in standard deviations.
        n: Replicates.
        alpha: What the p value must stay under.
    """
    return float(stats.nct.sf(stats.t.isf(alpha / 2, n - 1), n - 1, effect * np.sqrt(n)))


def of_sameness(margin: float, n: int, alpha: float = ALPHA, truth: float = 0.0) -> float:
    """The chance that the claim that two levels are the same is supported.

    Args:
        margin: The smallest difference that matters, in standard deviations.
        n: Replicates.
        alpha: What the p value must stay under.
        truth: The true mean difference in standard deviations.
    """
    spread = np.sqrt(stats.chi2.ppf(_QUANTILES, n - 1) / (n - 1))
    room = margin - stats.t.isf(alpha, n - 1) * spread / np.sqrt(n)
    inside = stats.norm.cdf((room - truth) * np.sqrt(n)) - stats.norm.cdf((-room - truth) * np.sqrt(n))
    return float(np.where(room > 0, inside, 0.0).mean())


def table(heading: str, rows: tuple[float, ...], chance) -> str:
    """A Markdown table: sizes down, replicates across."""
    lines = [f"| {heading} | {' | '.join(map(str, REPLICATES))} |", "|" + "---|" * (len(REPLICATES) + 1)]
    for size in rows:
        cells = (f"{100 * chance(size, n):.0f} %" for n in REPLICATES)
        lines.append(f"| {size:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def tables() -> str:
    """All tables of docs/statistics.md."""
    parts = []
    for alpha, claims in ((ALPHA, "the only claim of its page"), (ALPHA / N_CLAIMS, f"the first of {N_CLAIMS} claims")):
        parts += [
            f"A difference (`higher`, `lower`, `rises`, `falls`), {claims}:",
            table("effect \\ replicates", EFFECTS, lambda size, n, alpha=alpha: of_difference(size, n, alpha)),
            f"No difference that matters (`same`, `neither`) where there is none, {claims}:",
            table("margin \\ replicates", MARGINS, lambda size, n, alpha=alpha: of_sameness(size, n, alpha)),
        ]
    return "\n\n".join(parts)


if __name__ == "__main__":
    print(tables())
