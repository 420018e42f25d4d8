"""PyTorch, eager: `nn.Linear`, `cross_entropy`, `optim.SGD`, as its tutorials write a training loop."""

import torch
from torch import nn

from benchmarks.peers import UnsupportedError
from benchmarks.workloads import BETA, Images, Training


class Library:
    """Tensors on the CPU."""

    version = torch.__version__
    compiles = False

    def __init__(self, images: Images) -> None:
        torch.set_num_threads(1)
        self.images = images
        self.X, self.y = torch.from_numpy(images.X), torch.from_numpy(images.y)

    def start(self, training: Training) -> None:
        if training.members > 1:
            raise UnsupportedError("one model at a time")
        torch.manual_seed(0)
        sizes = (self.X.shape[1], *training.hidden, 10)
        layers: list[nn.Module] = []
        for n, m in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [nn.Linear(n, m), nn.ReLU() if training.activation == "relu" else nn.Tanh()]
        self.model = nn.Sequential(*layers[:-1])
        # The same rule as averaged momentum: v ← βv + (1 − β)g.
        momentum = {"momentum": BETA, "dampening": BETA} if training.momentum else {}
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=training.learning_rates()[0], **momentum)
        self.batch_size = training.batch_size
        self.orders = self.images.segments(training.batch_size)

    def segment(self) -> None:
        order = next(self.orders)
        X, y, model, optimizer, batch = self.X, self.y, self.model, self.optimizer, self.batch_size
        chosen = torch.from_numpy(order)
        numbers = order.tolist()
        for start in range(0, len(order), batch):
            if batch == 1:
                image = numbers[start]
                x, label = X[image : image + 1], y[image : image + 1]
            else:
                x, label = X[chosen[start : start + batch]], y[chosen[start : start + batch]]
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), label).backward()
            optimizer.step()

    @torch.no_grad()
    def evaluate(self) -> float:
        logits = self.model(self.X)
        nn.functional.cross_entropy(logits, self.y).item()
        return (logits.argmax(dim=1) == self.y).float().mean().item()
