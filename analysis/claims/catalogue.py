"""The claims of the report of 2022 as data, in its order: one entry each, and what tests it."""

from analysis.claims import linear, mlp
from analysis.claims.evidence import Claim

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "linear-minimum",
        "All linear models reach at least 91.8 % test accuracy.",
        "section 2.4, Figure 3",
        "Every run of the grid at 91.8 % or above, none diverged; contradicted by a run more than a "
        "standard error below. The report does not give its eight learning rates; ours were chosen so that this could "
        "hold, so it says that there are such rates, not that the report's were.",
        "linear-grid",
        linear.lowest_linear,
        mnist_only=True,
    ),
    Claim(
        "linear-mean",
        "The mean test accuracy of the linear models is 92.2 %.",
        "section 2.4, Figure 3",
        "A mean that rounds to 92.2 %; contradicted by one that is more than a standard error away.",
        "linear-grid",
        linear.mean_linear,
        mnist_only=True,
    ),
    Claim(
        "no-rate-correlation",
        "There is no correlation between learning rate and test accuracy.",
        "section 2.4",
        "Means of the learning rates that differ by less than a standard error of an accuracy; contradicted by a "
        "correlation in five seeds or more, or by a range that no sample of images would give.",
        "linear-grid",
        lambda tables: linear.rate_and_accuracy(tables, "linear-grid"),
    ),
    Claim(
        "no-rate-correlation-wide",
        "Nor is there one over a wide range of learning rates.",
        "beyond section 2.4",
        "The same over 0.0001 to 0.3.",
        "linear-lr-wide",
        lambda tables: linear.rate_and_accuracy(tables, "linear-lr-wide"),
    ),
    Claim(
        "momentum-speed",
        "Momentum speeds up convergence.",
        "section 2.4, Figure 4",
        "Fewer evaluations until within one point of the run's best, in matched pairs. The report's words, "
        "an increase in converging time, are read with its Figure 4 as faster convergence.",
        "linear-grid",
        linear.momentum,
    ),
    Claim(
        "two-evaluations",
        "No model needs more than two updates (evaluations) to come within 1 % of its best.",
        "section 2.4, footnote 1",
        "Every run of the grid within one point of its own best validation accuracy at evaluation 2; contradicted by "
        "a run that is a standard error short of that.",
        "linear-grid",
        lambda tables: linear.convergence_within(tables, 2, "two evaluations"),
    ),
    Claim(
        "two-epochs",
        "The same, read as two epochs (the footnote places evaluation 8 in epoch 2).",
        "section 2.4, footnote 1",
        "Every run of the grid there at evaluation 10, the end of epoch 2.",
        "linear-grid",
        lambda tables: linear.convergence_within(tables, 10, "two epochs (10 evaluations)"),
    ),
    Claim(
        "decay-accuracy",
        "Learning-rate decay improves accuracy.",
        "section 2.4, Figure 5",
        "Higher test accuracy in matched pairs, by more than a standard error.",
        "linear-grid",
        linear.decay,
    ),
    Claim(
        "mlp-beats-linear",
        "The MLP beats the linear model.",
        "section 3.4, Figure 7",
        "The MLP selected on validation above the linear model selected on validation, on test.",
        "mlp-random",
        mlp.mlp_against_linear,
    ),
    Claim(
        "mlp-98",
        "The best MLP reaches 98 %.",
        "section 3.4",
        "The MLP selected on validation at 98 % or more on test.",
        "mlp-random",
        lambda tables: mlp.level_reached(mlp.best_mlp_runs(tables), 0.98, above=False),
        mnist_only=True,
    ),
    Claim(
        "wider-to-100",
        "Wider is better, up to 100 units per layer.",
        "section 3.4, Figure 9",
        "Higher test accuracy at 100 units than at 10 with the same seeds.",
        "ofat-hidden-size",
        lambda tables: mlp.width(tables, 100),
    ),
    Claim(
        "wider-beyond-100",
        "Wider stays better beyond 100 units (the largest size against 100).",
        "section 3.4 (left open)",
        "Higher test accuracy at the largest size than at 100 with the same seeds.",
        "ofat-hidden-size",
        lambda tables: mlp.width(tables, 0, 100),
    ),
    Claim(
        "relu-above-tanh",
        "ReLU performs slightly better than tanh.",
        "section 3.4, Figures 9 and 10",
        "Higher test accuracy in pairs of the same size and seed.",
        "ofat-hidden-size",
        mlp.relu,
    ),
    Claim(
        "longer-or-wider",
        "Training longer or wider goes above 98 %.",
        "section 3.4 (conjecture)",
        "The widest network of the one-factor study, trained as the report did, above 98 % on test by two standard "
        "errors.",
        "ofat-hidden-size",
        mlp.beyond,
        mnist_only=True,
    ),
    Claim(
        "small-training-sets",
        "Smaller training sets still show where good hyperparameters are.",
        "section 3.4 (conjecture)",
        "A rank correlation of at least 0.5, with its whole interval, between the smallest and a larger training set.",
        "mlp-fidelity",
        mlp.small_sets,
    ),
)
