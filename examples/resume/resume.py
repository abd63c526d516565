#!/usr/bin/env python3
"""Training that goes on in another language: the Python half of resume.cc, which has the same network, data and options.

    resume.py OUT [--from IN] [--optimizer adam|adamw|sgd|rmsprop|adagrad] [--steps N] [--device cpu] [--record OUTPUTS]

Starts afresh, or where IN stopped, whoever wrote it; trains N steps, printing each loss; saves OUT for either side.
With --record, inputs and what the trained model makes of them are saved, for `resume --check`.
"""
import argparse

import torch
from torch import nn

torch.set_num_threads(1)  # so that sums are made in one order, everywhere


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.dropout = nn.Dropout(0.25)
        self.linear = nn.Linear(4 * 6 * 6, 3)

    def forward(self, x):
        return self.linear(self.dropout(torch.relu(self.bn(self.conv(x))).flatten(1)))


def hash_of(number):
    """Numbers that look random, the same in every language: multiples of 1/128, so that floats hold them exactly."""
    for _ in range(2):
        number = ((number ^ (number >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return number ^ (number >> 16)


def batch_of(step, device):
    images = [hash_of(step * 1024 + at) % 256 / 128 - 1 for at in range(1024)]
    labels = [hash_of(1_000_000 + step * 16 + at) % 3 for at in range(16)]
    return torch.tensor(images).reshape(16, 1, 8, 8).to(device), torch.tensor(labels).to(device)


def optimizer_of(name, parameters):
    return {
        "adam": lambda: torch.optim.Adam(parameters, lr=0.01),
        "adamw": lambda: torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.1),
        "sgd": lambda: torch.optim.SGD(parameters, lr=0.05, momentum=0.9),
        "rmsprop": lambda: torch.optim.RMSprop(parameters, lr=0.01),
        "adagrad": lambda: torch.optim.Adagrad(parameters, lr=0.05),
    }[name]()


class Run:
    """A training run: made afresh, or from a file that Python or C++ saved."""

    def __init__(self, optimizer, path=None, device="cpu"):
        torch.manual_seed(0)
        self.device, self.step = device, 0
        self.net = Net().to(device)
        self.optimizer = optimizer_of(optimizer, self.net.parameters())
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=2, gamma=0.5)
        if path:
            run = torch.load(path, map_location="cpu")
            self.net.load_state_dict(run["model"])
            self.optimizer.load_state_dict(run["optimizer"])
            self.scheduler.load_state_dict(run["scheduler"])
            torch.set_rng_state(run["rng_state"])
            self.step = run["step"]

    def train(self, steps):
        """The loss of each step."""
        losses = []
        self.net.train()
        for self.step in range(self.step + 1, self.step + 1 + steps):
            images, labels = batch_of(self.step - 1, self.device)
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.net(images), labels)
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            losses.append(loss.item())
        return losses

    def state(self):
        return {"model": self.net.state_dict(), "optimizer": self.optimizer.state_dict(), "scheduler": self.scheduler.state_dict(),
                "rng_state": torch.get_rng_state(), "step": self.step}

    def save(self, path):
        torch.save(self.state(), path)

    def record(self, path):
        """Inputs and outputs that the model must give wherever it is loaded (docs/libtorch.md)."""
        self.net.eval()
        with torch.no_grad():
            cases = [{"name": "step %d" % step, "inputs": [images], "outputs": [self.net(images)]}
                     for step, images in ((step, batch_of(step, self.device)[0]) for step in (0, 7))]
        torch.save({"cases": cases}, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--from", dest="path")
    parser.add_argument("--optimizer", default="adam")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--record")
    options = parser.parse_args()
    run = Run(options.optimizer, options.path, options.device)
    first = run.step
    for number, loss in enumerate(run.train(options.steps)):
        print("%d %.9g" % (first + number, loss))
    run.save(options.out)
    if options.record:
        run.record(options.record)


if __name__ == "__main__":
    main()
