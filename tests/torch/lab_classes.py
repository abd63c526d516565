"""Classes that pickles of the cases name. A module of its own, so that whoever loads the files can import it."""
import collections
import enum

import torch

Point = collections.namedtuple("Point", "x y")


class Color(enum.Enum):
    RED = 1
    BLUE = "blue"


class Labelled(torch.Tensor):
    """A tensor subclass without anything of its own."""


class Holder:
    """An object with attributes."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Slots:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left, self.right = left, right


class Tied(torch.nn.Module):
    """One module under two names, one weight in two modules, a buffer that state_dict() leaves out where it can."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(3, 3)
        self.again = self.first
        self.out = torch.nn.Linear(3, 3, bias=False)
        self.out.weight = self.first.weight
        self.register_buffer("mask", torch.tensor([True, False, True]))
        self.register_parameter("absent", None)
