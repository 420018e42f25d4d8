"""Examples of what a study file may say, for `digitsweep new` and docs/studies.md; a test loads each of them."""

from collections.abc import Mapping

CLAIMS: Mapping[str, str] = {
    "compare": """\
- claim: Momentum speeds up convergence.
  where: section 2.4, Figure 4
  compare: {factor: momentum, level: on, against: off}
  metric: convergence
  expect: lower
""",
    "trend": """\
- claim: Accuracy grows with the learning rate up to 0.05.
  trend: {factor: learning_rate, over: [0.002, 0.05]}
  metric: test_accuracy
  expect: rises
""",
    "level": """\
- claim: Every model reaches at least 91.8 %.
  level: {of: every run, at_least: 0.918}
  metric: test_accuracy
  needs: {dataset: mnist}
""",
    "selected": """\
- claim: The perceptron is better than the best linear model.
  selected: {against: linear-grid}
  metric: test_accuracy
  expect: higher
""",
    "agreement": """\
- claim: Small training sets rank the candidates as all images do.
  agreement: {at_least: 0.4}
  metric: validation_accuracy
""",
}
"""Form of claim → a claim of that form."""

STATISTICS: Mapping[str, str] = {
    "compare": (
        "The mean difference of matched pairs, over replicates where there are at least five, else over the "
        "levels of the longest numeric axis or over configurations; its 95 % interval is a studentised "
        "bootstrap, its p value that of flipping signs, or Student's t where there are few. Where it is known "
        "which images each run got right, from two seeds on, both are over seeds and images. `same` is two "
        "one-sided tests within the margin."
    ),
    "trend": (
        "The change along a line from the lowest to the highest value, fitted on the scale of the axis, over "
        "replicates where there are at least five, else over values, or over trials of a random search; over seeds "
        "and images as for `compare`. `neither` is two one-sided tests within the margin, and no two values farther "
        "apart than it. "
        "Spearman's correlation stands beside it."
    ),
    "level": (
        "`every run`: the share of replicates in which every run is inside, with Wilson's interval. `mean`: the mean "
        "over all configurations with its interval over replicates. `selected`: the mean of the configuration "
        "selected on validation, from fresh seeds where it is confirmed, with its interval over seeds and images "
        "where it is known which of them each run got right, else against the binomial error of an accuracy on that "
        "many images (of another metric, its interval over runs)."
    ),
    "selected": (
        "The difference of the two configurations' means, from fresh seeds where they are confirmed; its "
        "error adds what seeds contribute (Welch) to what two samples of images do, or is over seeds and the same "
        "images where it is known which of them each run got right."
    ),
    "agreement": (
        "Kendall's rank correlation of the candidates by validation accuracy, with a bootstrap interval over them."
    ),
}
"""Form of claim → what is computed for it."""

FIGURES: Mapping[str, str] = {
    "curves": "- {figure: curves, by: momentum}",
    "distribution": '- {figure: distribution, metric: test_accuracy, marks: {"report: lowest": 0.918}}',
    "paired": "- {figure: paired, factor: momentum, metric: convergence, number: Figure 4}",
    "response": "- {figure: response, axis: learning_rate, by: [momentum], metric: test_accuracy}",
    "interaction": "- {figure: interaction, metric: test_accuracy}",
    "one_factor": "- {figure: one_factor, metric: test_accuracy}",
    "noise": "- {figure: noise, metric: test_accuracy}",
    "expected_best": "- figure: expected_best",
    "importance": "- figure: importance",
    "fidelity": "- {figure: fidelity, against: mlp-random}",
    "confirmation": "- figure: confirmation",
    "pareto": "- {figure: pareto, metric: test_accuracy}",
    "momentum_bowl": "- figure: momentum_bowl",
    "component_chain": "- figure: component_chain",
}
"""Form of figure → a figure of that form."""

STUDIES: Mapping[str, str] = {
    "grid": """\
fixed:
  hidden_layers: 0
  epochs: 5
  evaluations_per_epoch: 5
space:
  learning_rate: {low: 0.002, high: 0.05, scale: log, n: 5}
  momentum: [off, on]
""",
    "random": """\
trials: 20
fixed:
  evaluations_per_epoch: 5
space:
  hidden_layers: [1, 2, 3]
  hidden_size: {low: 10, high: 200, scale: log}
  learning_rate: {low: 0.002, high: 0.1, scale: log}
  momentum: [off, on]
""",
    "ofat": """\
replicates: 5
fixed:
  hidden_layers: 2
  hidden_size: 100
  learning_rate: 0.01
  momentum: on
  epochs: 5
  evaluations_per_epoch: 5
space:
  momentum: [off, on]
""",
    "optuna": """\
sampler: tpe
trials: 20
fixed:
  epochs: 5
  evaluations_per_epoch: 5
space:
  hidden_layers: [1, 2, 3]
  hidden_size: {low: 10, high: 200, scale: log}
  learning_rate: {low: 0.002, high: 0.1, scale: log}
  momentum: [off, on]
""",
}
"""Driver → what a study of it states beside its name, its question and its driver."""

KEYS: Mapping[str, str] = {
    "dataset": "{path: wine.csv, label: kind}",
    "seed": "2022",
    "replicates": "5",
    "vary": "[initialisation, order]",
    "split": "{folds: 5}",
    "at": "best",
    "sampler": "tpe",
    "pruner": "successive_halving",
    "by": "{activation: [relu, tanh]}",
    "nuisance": "[learning_rate]",
    "fidelity": "{train_images: [5000, 50000], epochs: [1, 5], keep: 1/3}",
    "configurations": "[{learning_rate: 0.01, momentum: on}, {learning_rate: 0.1, momentum: off}]",
    "zip": "[{batch_size: [1, 32], weight_decay: [0.0001, 0]}]",
    "page": "My first page",
}
"""Key of a study → a value that it may have."""

CLAIMED: Mapping[str, tuple[str, ...]] = {
    "grid": ("compare", "trend", "level", "selected"),
    "random": ("level", "selected"),
    "ofat": ("compare", "level", "selected"),
    "optuna": ("level", "selected"),
}
"""Driver → forms of claims whose example its example can answer."""

DRAWN: Mapping[str, tuple[str, ...]] = {
    "grid": ("response", "paired", "interaction"),
    "random": ("distribution", "expected_best", "importance"),
    "ofat": ("paired", "one_factor"),
    "optuna": ("distribution", "importance", "pareto"),
}
"""Driver → forms of figures that are of use to its example."""
