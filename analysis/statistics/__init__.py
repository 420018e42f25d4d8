"""Statistics of runs: tables in, tables or small frozen results out. Nothing here draws or reads a database.

    intervals.py      intervals of means and of any statistic, and the one confidence level
    pairs.py          matched pairs, their mean difference and its p value, Holm's correction
    two_way.py        accuracies and their differences over seeds and images together
    correctness.py    two runs on the same images, accuracy by class, the images that most runs get wrong
    sequences.py      intervals and verdicts that hold after every replicate at once, and what it would take
    components.py     variance by source in a crossed design
    splits.py         the corrected t of repeated splits into training and validation
    ranks.py          how often one sample beats another; how far two rankings agree
    curves.py         convergence, mean curves, the spread of seeds
    factorial.py      exact main effects and interactions of a balanced grid
    expected_best.py  expected best of a random search against its number of trials
    importance.py     importance of hyperparameters under a surrogate

What is resampled is always a whole independent unit (a run, a replicate, a matched configuration), never an
evaluation: evaluations of one run share its seed. The number of units stands beside every interval.
"""
