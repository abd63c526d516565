#!/usr/bin/env python3
"""plain_cases.py FILE: objects of classes that only carry data, as real checkpoints have them, and what is left of each
without its class. The classes of Lightning, OmegaConf and EasyDict are stand-ins that are pickled as those are.
"""
import argparse
import collections
import dataclasses
import datetime
import decimal
import enum
import os
import pathlib
import sys
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import numpy as np  # noqa: E402
import torch  # noqa: E402


def stand_in(module):
    """A class that says it is of that module, which whoever loads a whole object would have to import."""

    def register(cls):
        parts = module.split(".")
        for depth in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:depth]), types.ModuleType(".".join(parts[:depth])))
        cls.__module__ = module
        cls.__qualname__ = cls.__name__
        setattr(sys.modules[module], cls.__name__, cls)
        return cls

    return register


@stand_in("pytorch_lightning.utilities.parsing")
class AttributeDict(dict):
    def __getattr__(self, key):
        try:
            return self[key]
        except KeyError:
            raise AttributeError(key)


@stand_in("easydict")
class EasyDict(dict):
    def __init__(self, **entries):
        for key, value in entries.items():
            setattr(self, key, value)

    def __setattr__(self, key, value):
        dict.__setattr__(self, key, value)
        dict.__setitem__(self, key, value)


@stand_in("omegaconf.nodes")
class AnyNode:
    def __init__(self, value, parent):
        self.__dict__.update(_metadata=None, _parent=parent, _val=value)


@stand_in("omegaconf.dictconfig")
class DictConfig:
    def __init__(self, content, parent=None):
        self.__dict__.update(_metadata=None, _parent=parent, _content={})
        for key, value in content.items():
            self._content[key] = node_of(value, self)


@stand_in("omegaconf.listconfig")
class ListConfig:
    def __init__(self, content, parent=None):
        self.__dict__.update(_metadata=None, _parent=parent, _content=[])
        self._content.extend(node_of(value, self) for value in content)


def node_of(value, parent):
    kinds = {dict: DictConfig, list: ListConfig}
    return kinds.get(type(value), AnyNode)(value, parent)


@stand_in("project.config")
@dataclasses.dataclass
class Config:
    rate: float
    layers: list
    inner: object = None


@stand_in("project.config")
class Schedule(enum.Enum):
    COSINE = "cosine"
    STEP = 2


@stand_in("project.config")
class Slotted:
    __slots__ = ("left", "right")


@stand_in("project.config")
class History(list):
    """A list with a class of its own."""


Point = stand_in("project.config")(collections.namedtuple("Point", "x y"))


def values():
    """name -> (object, what it is without its class)."""
    shared = argparse.Namespace(seed=3)
    itself = argparse.Namespace(name="loop")
    itself.me = itself
    expected_loop = {"name": "loop"}
    expected_loop["me"] = expected_loop
    slotted = Slotted()
    slotted.left, slotted.right = 1, "two"
    conf = {"lr": 0.1, "net": {"depth": 2, "widths": [8, 16]}, "none": None}
    module = torch.nn.Sequential(torch.nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        module[0].weight.copy_(torch.tensor([[0.5, -2.0]]))
    return {
        "namespace": (argparse.Namespace(lr=0.1, layers=[1, 2], none=None), {"lr": 0.1, "layers": [1, 2], "none": None}),
        "one": (shared, {"seed": 3}), "two": (shared, {"seed": 3}), "loop": (itself, expected_loop),
        "simple": (types.SimpleNamespace(a=1, b=(2, 3)), {"a": 1, "b": (2, 3)}),
        "hparams": (AttributeDict(batch_size=4, nested=AttributeDict(x=1)), {"batch_size": 4, "nested": {"x": 1}}),
        "easy": (EasyDict(a=1, b=EasyDict(c=[2])), {"a": 1, "b": {"c": [2]}}),
        "conf": (DictConfig(conf), conf), "conf_list": (ListConfig([1, {"a": "b"}]), [1, {"a": "b"}]),
        "data": (Config(0.5, [3], Config(0.25, [])),
                 {"rate": 0.5, "layers": [3], "inner": {"rate": 0.25, "layers": [], "inner": None}}),
        "enum_text": (Schedule.COSINE, ("cosine", "COSINE")), "enum_number": (Schedule.STEP, (2, "STEP")),
        "slots": (slotted, {"left": 1, "right": "two"}), "history": (History([0.5, 0.25]), [0.5, 0.25]),
        "point": (Point(1, 2.5), (1, 2.5)), "deque": (collections.deque([1, 2], maxlen=5), [1, 2]),
        "path": (pathlib.PurePosixPath("/runs/7/best.pt"), "/runs/7/best.pt"), "here": (pathlib.PurePosixPath("."), "."),
        "when": (datetime.datetime(2024, 5, 6, 7, 8, 9, 10), "2024-05-06T07:08:09.000010"),
        "day": (datetime.date(2024, 5, 6), "2024-05-06"), "span": (datetime.timedelta(hours=1, microseconds=500000), 3600.5),
        "decimal": (decimal.Decimal("1.25"), "1.25"), "class": (Config, "project.config.Config"),
        "numbers": ([np.float64(0.5), np.float32(0.25), np.int64(-7), np.bool_(True), np.complex128(1 + 2j)],
                    [0.5, 0.25, -7, True, 1 + 2j]),
        "array": (np.arange(6, dtype=np.int32).reshape(2, 3), torch.arange(6, dtype=torch.int32).reshape(2, 3)),
        "fortran": (np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)), torch.arange(6.0).reshape(2, 3)),
        "texts": (np.array(["a", "längst"]), ["a", "längst"]), "text": (np.str_("né"), "né"),
        "mixed": (np.array([[1, "a"], [None, 2.5]], dtype=object), [[1, "a"], [None, 2.5]]),
        "np_dtype": (np.dtype("float32"), "float32"), "keys": ({Schedule.STEP: 1, np.int64(5): 2}, None),
        "defaultdict": (collections.defaultdict(list, {"a": [1]}), {"a": [1]}), "frozen": (frozenset([1, 2]), {1, 2}),
        "slice": (slice(1, None, 2), (1, None, 2)), "range": (range(0, 10, 3), [0, 3, 6, 9]), "no_bytes": (b"", b""),
        "module": (module, {"0.weight": torch.tensor([[0.5, -2.0]])}),
        "parameter": (torch.nn.Parameter(torch.tensor([1.0, 2.0])), torch.tensor([1.0, 2.0])),
    }


def check(found):
    """Nothing, or what is not as it should be."""
    for name, (_, wanted) in values().items():
        value = found[name]
        if name in ("enum_text", "enum_number"):  # some releases of Python 3.11 save the name, others the value
            same = value in wanted
        elif name == "keys":
            same = list(value.values()) == [1, 2] and list(value)[0] in (2, "STEP") and list(value)[1] == 5
        elif name == "loop":
            same = type(value) is dict and value["me"] is value and value["name"] == "loop"
        elif isinstance(wanted, torch.Tensor):
            same = value.dtype == wanted.dtype and torch.equal(value, wanted)
        elif name == "module":
            same = list(value) == list(wanted) and torch.equal(value["0.weight"], wanted["0.weight"])
        else:
            same = type(value) is type(wanted) and value == wanted
        if not same:
            return "%s: %r, not %r" % (name, value, wanted)
    return None if found["one"] is found["two"] else "one and two are not shared any more"


if __name__ == "__main__":
    torch.save({name: pair[0] for name, pair in values().items()}, sys.argv[1])
    os._exit(0)
