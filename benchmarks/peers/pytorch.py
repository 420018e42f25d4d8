"""PyTorch, eager: one model as its tutorials train it; several stacked in one tensor, with gradients by hand."""

import torch
from torch import nn

from benchmarks.peers import UnsupportedError
from benchmarks.workloads import BETA, Images, Training


class _Autograd:
    """`nn.Linear`, `cross_entropy`, `optim.SGD`."""

    def __init__(self, training: Training, n_features: int) -> None:
        sizes = (n_features, *training.hidden, 10)
        layers: list[nn.Module] = []
        for n, m in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [nn.Linear(n, m), nn.ReLU() if training.activation == "relu" else nn.Tanh()]
        self.model = nn.Sequential(*layers[:-1])
        # The same rule as averaged momentum: v ← βv + (1 − β)g.
        momentum = {"momentum": BETA, "dampening": BETA} if training.momentum else {}
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=training.learning_rates()[0], **momentum)

    def update(self, x: torch.Tensor, label: torch.Tensor) -> None:
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.model(x), label).backward()
        self.optimizer.step()

    @torch.no_grad()
    def evaluate(self, X: torch.Tensor, y: torch.Tensor) -> float:
        logits = self.model(X)
        nn.functional.cross_entropy(logits, y).item()
        return (logits.argmax(dim=1) == y).float().mean().item()


class _Stacked:
    """Linear models side by side in one matrix, so that each image is one product for all of them."""

    def __init__(self, training: Training, n_features: int) -> None:
        if training.hidden or training.batch_size > 1:
            raise UnsupportedError("one model at a time")
        self.members = training.members
        self.W, self.b = torch.zeros(n_features, 10 * self.members), torch.zeros(10 * self.members)
        self.rates = torch.tensor(training.learning_rates()).repeat_interleave(10)
        self.momentum = training.momentum
        self.W_velocity, self.b_velocity = torch.zeros_like(self.W), torch.zeros_like(self.b)

    @torch.no_grad()
    def update(self, x: torch.Tensor, label: torch.Tensor) -> None:
        image = x[0]
        error = torch.softmax(torch.addmv(self.b, self.W.T, image).view(self.members, 10), dim=1)
        error[:, label[0]] -= 1
        error = error.view(-1)
        if self.momentum:
            self.W_velocity.addr_(image, error, beta=BETA, alpha=1 - BETA)
            self.b_velocity.mul_(BETA).add_(error, alpha=1 - BETA)
            self.W.addcmul_(self.W_velocity, self.rates, value=-1)
            self.b.addcmul_(self.b_velocity, self.rates, value=-1)
        else:
            step = self.rates * error
            self.W.addr_(image, step, alpha=-1)
            self.b.sub_(step)

    @torch.no_grad()
    def evaluate(self, X: torch.Tensor, y: torch.Tensor) -> float:
        logits = torch.addmm(self.b, X, self.W).view(len(X), self.members, 10).transpose(1, 2)
        labels = y[:, None].expand(-1, self.members)
        nn.functional.cross_entropy(logits, labels, reduction="none").mean(dim=0).tolist()
        return (logits.argmax(dim=1) == labels).float().mean(dim=0)[0].item()


class Library:
    """Tensors on the CPU."""

    version = torch.__version__
    compiles = False

    def __init__(self, images: Images, n_threads: int = 1) -> None:
        torch.set_num_threads(n_threads)
        self.images = images
        self.X, self.y = torch.from_numpy(images.X), torch.from_numpy(images.y)

    def start(self, training: Training) -> None:
        torch.manual_seed(0)
        kind = _Autograd if training.members == 1 else _Stacked
        self.models = kind(training, self.X.shape[1])
        self.batch_size = training.batch_size
        self.orders = self.images.segments(training.batch_size)

    def segment(self) -> None:
        order = next(self.orders)
        X, y, update, batch = self.X, self.y, self.models.update, self.batch_size
        chosen = torch.from_numpy(order)
        numbers = order.tolist()
        for start in range(0, len(order), batch):
            if batch == 1:
                image = numbers[start]
                update(X[image : image + 1], y[image : image + 1])
            else:
                update(X[chosen[start : start + batch]], y[chosen[start : start + batch]])

    def evaluate(self) -> float:
        return self.models.evaluate(self.X, self.y)
