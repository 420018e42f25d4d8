"""scikit-learn: `SGDClassifier` (one against the rest, sparse rows) and `MLPClassifier` with the same batches."""

import warnings

import numpy as np
import sklearn
from scipy.sparse import csr_matrix
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

from benchmarks.peers import UnsupportedError
from benchmarks.workloads import BETA, Images, Training


class Library:
    """Its estimators, one epoch over the images asked for."""

    version = sklearn.__version__
    compiles = False

    def __init__(self, images: Images, n_threads: int = 1) -> None:
        if n_threads > 1:
            raise ValueError("measured on one thread")
        self.all, self.X, self.y = images, images.X, images.y
        self.sparse = csr_matrix(images.X)

    def start(self, training: Training) -> None:
        if training.members > 1:
            raise UnsupportedError("one model at a time")
        if not training.hidden and (training.momentum or training.batch_size > 1):
            raise UnsupportedError("SGDClassifier has no momentum and no batches")
        rate = training.learning_rates()[0]
        self.model: SGDClassifier | MLPClassifier
        if training.hidden:
            self.model = MLPClassifier(
                training.hidden,
                activation=training.activation,
                solver="sgd",
                alpha=0.0,
                batch_size=training.batch_size,
                learning_rate_init=rate,
                momentum=BETA if training.momentum else 0.0,
                nesterovs_momentum=False,
                max_iter=1,
                shuffle=False,
            )
        else:
            self.model = SGDClassifier(
                loss="log_loss", alpha=0.0, learning_rate="constant", eta0=rate, max_iter=1, tol=None, shuffle=False
            )
        self.images = self.X if training.hidden else self.sparse
        first = max(100, training.batch_size)
        self.model.partial_fit(self.images[:first], self.y[:first], classes=np.arange(10))
        self.orders = self.all.segments(training.batch_size)

    def segment(self) -> None:
        order = next(self.orders)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one epoch does not converge, as asked
            self.model.partial_fit(self.images[order], self.y[order])

    def evaluate(self) -> float:
        p = self.model.predict_proba(self.images)
        with np.errstate(divide="ignore"):
            -np.log(p[np.arange(len(p)), self.y]).mean()
        return float((p.argmax(axis=1) == self.y).mean())
