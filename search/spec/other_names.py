"""What other tools call things, so that a message can say what they are called here."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

HYPERPARAMETERS = {
    "learning_rate": "lr eta eta0 alpha0 step_size stepsize learning_rate_init init_lr initial_lr base_lr max_lr rate",
    "momentum_beta": "beta beta1 beta_1 momentum_value mu",
    "momentum_form": "momentum_type",
    "optimizer": "optimiser optim optimizer_type algorithm nesterov adam adamw solver",
    "early_stopping": "patience early_stop n_iter_no_change early_stopping_rounds",
    "adam_beta2": "beta2 beta_2 b2",
    "batch_norm": "batchnorm bn batch_normalization batch_normalisation normalization normalisation",
    "noise_input": "noise gaussian_noise input_noise noise_std jitter",
    "noise_hidden": "hidden_noise",
    "label_smoothing": "smoothing ls label_smooth",
    "max_norm": "maxnorm max_norm_constraint weight_constraint kernel_constraint",
    "adversarial": "adv fgsm fgm adversarial_training adversarial_size adversarial_epsilon",
    "average": "ema ema_decay weight_averaging polyak swa averaging moving_average",
    "hidden_sizes": "hidden_layer_sizes layer_sizes widths hidden_dims units_per_layer architecture layers_sizes",
    "decay": "scheduler lr_scheduler lr_schedule schedule lr_decay learning_rate_schedule decay_schedule annealing",
    "weight_decay": "wd l2 alpha lambda reg regularization l2_regularization weight_penalty",
    "batch_size": "batch bs batchsize batches minibatch mini_batch mini_batch_size minibatch_size train_batch_size",
    "dropout_hidden": "dropout dropout_rate drop p_dropout",
    "hidden_layers": "layers n_layers num_layers layer_count depth n_hidden num_hidden_layers n_hidden_layers",
    "hidden_size": "units n_units num_units hidden_units width neurons n_neurons hidden hidden_dim "
    "layer_size nodes size",
    "activation": "nonlinearity act activation_function activations act_fn",
    "initializer": "init initialization kernel_initializer weight_init",
    "epochs": "n_epochs num_epochs max_epochs max_iter iterations n_iter passes nb_epoch",
    "evaluations_per_epoch": "eval_every evals evaluations eval_steps val_check_interval",
    "train_images": "n_train train_size n_samples samples images max_samples subset train_samples",
    "dtype": "precision float_type",
}
"""Hyperparameter → words for it elsewhere."""

STUDY = {
    "study": "name title study_name experiment project id",
    "question": "description hypothesis purpose comment goal why",
    "driver": "method strategy algorithm search search_algorithm search_type algo tuner mode type",
    "dataset": "data data_set dataset_name input",
    "seed": "random_state random_seed rng rng_seed",
    "replicates": "repeats repetitions n_replicates num_replicates seeds n_seeds n_runs runs reps executions_per_trial",
    "vary": "noise randomness streams sources_of_variance",
    "split": "cv folds cross_validation n_folds k_fold kfold resample",
    "fixed": "constants constant defaults default baseline config static hyperparameters",
    "space": "parameters params search_space param_grid param_distributions grid parameter_space sweep distributions",
    "trials": "n_trials num_trials max_trials budget count num_samples run_cap n_iter n_calls max_evals",
    "pruner": "early_stopping early_terminate pruning scheduler stopper",
    "configurations": "configs points candidates combinations list trials_list enqueue",
    "zip": "together paired linked zipped parallel joint",
    "when": "conditions condition conditional conditionals depends depends_on active_if if",
    "constraints": "constraint forbidden forbid restrictions exclude rules",
    "fidelity": "halving successive_halving rungs hyperband multi_fidelity",
    "claims": "hypotheses statements assertions expectations predictions",
    "figures": "plots charts graphs",
    "page": "report section",
}
"""Key of a study file → words for it elsewhere."""

RANGE = {
    "low": "min minimum from start lower a",
    "high": "max maximum to stop end upper b",
    "scale": "log distribution spacing type prior sampling",
    "n": "num count steps points size number levels q step",
}
"""Key of a range → words for it elsewhere."""

DRIVERS = {
    "grid": "grid_search gridsearch grid-search exhaustive full factorial full_factorial all",
    "random": "random_search randomsearch random-search randomized sample",
    "ofat": "one_factor_at_a_time one-factor-at-a-time ablation oat",
    "optuna": "bayes bayesian bayesopt tpe gp cmaes cma-es nsga2 nsgaii qmc adaptive hyperopt smbo",
}
"""Driver → words for it elsewhere."""


def nearest(word: str, known: Iterable[str], elsewhere: Mapping[str, str]) -> str | None:
    """The name that a word stands for: another tool's word for it, or the one that is spelled most like it."""
    lowered = word.strip().lower()
    for name, words in elsewhere.items():
        if lowered in words.split():
            return name
    near = get_close_matches(lowered[:100], list(known), n=1)
    return near[0] if near else None
