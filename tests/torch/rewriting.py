#!/usr/bin/env python3
"""rewriting.py JOBS RESULTS: what this PyTorch sees in files that `sconce convert --for` wrote, and, where the job names the
original, whether that is the same with nothing but the class of values changed: an object and the dict of its fields, a
NumPy scalar and a number, a view and a copy of it.
"""
import collections
import datetime
import enum
import json
import os
import pathlib
import sys
import types
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import numpy as np  # noqa: E402
import torch  # noqa: E402

import plain_cases  # noqa: E402
from check_written import options  # noqa: E402
from describe import describe, is_storage, storage_bytes  # noqa: E402

PACKED = ("bits8", "bits1x8", "bits2x4", "bits4x2", "float4_e2m1fn_x2")


class Different(Exception):
    pass


class Comparison:
    """The original, and the same with values that are plainer. Follows every path once; shared objects stay shared."""

    def __init__(self, cast):
        self.cast, self.pairs = cast, {}

    def expect(self, truth, path, what):
        if not truth:
            raise Different("%s: %s" % (path or "(the root)", what))

    def walk(self, old, new, path=""):
        if isinstance(old, torch.nn.Module) and isinstance(new, dict):
            old = old.state_dict()
        if isinstance(old, np.ndarray) and old.dtype.kind in "OU":
            old = old.tolist()
            new = new.tolist() if isinstance(new, np.ndarray) else new
        if isinstance(old, torch.Tensor) or (isinstance(old, np.ndarray) and isinstance(new, (torch.Tensor, np.ndarray))):
            return self.tensor(old, new, path)
        if is_storage(old):
            return self.expect(storage_bytes(old) == storage_bytes(new), path, "a storage of other bytes")
        if isinstance(old, (dict, list, set)) or hasattr(old, "__dict__"):
            known = self.pairs.get(id(old))
            if known is not None:
                return self.expect(known[1] is new, path, "is not shared any more")
            self.pairs[id(old)] = (old, new)
        return self.container(old, new, path)

    def container(self, old, new, path):
        if isinstance(old, dict):
            self.expect(isinstance(new, dict), path, "no dict")
            self.expect(len(old) == len(new), path, "%d entries, not %d" % (len(new), len(old)))
            for (key, value), (other_key, other) in zip(old.items(), new.items()):
                self.expect(self.same_leaf(key, other_key), path, "key %r is %r" % (key, other_key))
                self.walk(value, other, "%s.%s" % (path, key))
        elif isinstance(old, (list, tuple, range, collections.deque)) and not isinstance(old, torch.Size):
            self.expect(isinstance(new, (list, tuple, range)) and len(old) == len(new), path, "no sequence of that length")
            for at, (one, other) in enumerate(zip(old, new)):
                self.walk(one, other, "%s.%d" % (path, at))
        elif isinstance(old, (set, frozenset)):
            self.expect(set(old) == set(new), path, "another set")
        elif isinstance(old, slice):
            parts = (new.start, new.stop, new.step) if isinstance(new, slice) else new
            self.expect((old.start, old.stop, old.step) == parts, path, "another slice")
        elif self.is_object(old) and isinstance(new, dict):
            self.walk(self.fields(old), new, path)
        elif self.is_object(old):
            self.expect(type(old) is type(new), path, "became %r" % (new,))
            self.walk(self.fields(old), self.fields(new), path)
        else:
            self.expect(self.same_leaf(old, new), path, "%r, not %r" % (new, old))

    @staticmethod
    def is_object(value):
        return (hasattr(value, "__dict__") or hasattr(type(value), "__slots__")) and not isinstance(
            value, (type, types.FunctionType, types.BuiltinFunctionType, enum.Enum, pathlib.PurePath, datetime.date, torch.dtype,
                    torch.device, torch.layout, np.generic, np.dtype, str, int, float, bytes, types.MethodType))

    @staticmethod
    def fields(value):
        slots = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ()) if hasattr(value, name)]
        return dict(getattr(value, "__dict__", {}), **{name: getattr(value, name) for name in slots})

    def same_leaf(self, old, new):
        old, new = [value.item() if isinstance(value, np.generic) else value for value in (old, new)]
        if isinstance(old, np.dtype) and isinstance(new, str):
            return old.name == new
        if isinstance(old, enum.Enum) and not isinstance(new, enum.Enum):
            return new in (old.value, old.name)
        if isinstance(old, pathlib.PurePath):
            return str(old) == str(new)
        if isinstance(old, datetime.datetime) and isinstance(new, str):
            return old.isoformat() == new
        if isinstance(old, (type, types.FunctionType, types.BuiltinFunctionType)) and isinstance(new, str):
            return "%s.%s" % (old.__module__, old.__qualname__) == new
        if isinstance(old, (torch.dtype, torch.device, torch.layout)):
            return str(old) == str(new)
        if isinstance(new, torch.Tensor):  # a number or bytes, for a weights_only that knows neither
            if isinstance(old, (bytes, bytearray)):
                return new.dtype == torch.uint8 and bytes(new.tolist()) == old
            return isinstance(old, (float, complex)) and new.dim() == 0 and self.same_leaf(old, new.item())
        if isinstance(old, float):
            return isinstance(new, float) and (old == new or (old != old and new != new))
        return old == new and (type(old) is type(new) or isinstance(new, (tuple, list)))

    def tensor(self, old, new, path):
        if isinstance(old, np.ndarray):
            if isinstance(new, np.ndarray):
                return self.expect(old.dtype == new.dtype and old.tobytes() == new.tobytes(), path, "another array")
            old = torch.from_numpy(np.ascontiguousarray(old.astype(old.dtype.newbyteorder("="))).reshape(old.shape))
        self.expect(isinstance(new, torch.Tensor), path, "no tensor")
        self.expect(old.layout == new.layout, path, "layout %s" % new.layout)
        self.expect(old.device.type == new.device.type, path, "device %s" % new.device)
        if getattr(old, "is_nested", False):
            for one, other in zip(old.unbind(), new.unbind()):
                self.tensor(one, other, path)
            return
        self.expect(tuple(old.shape) == tuple(new.shape), path, "shape %s" % (tuple(new.shape),))
        self.expect(old.requires_grad == new.requires_grad, path, "requires_grad")
        if old.device.type == "meta":
            return
        old, new = old.detach(), new.detach()
        if old.dtype != new.dtype:
            self.expect(self.cast, path, "became %s without being asked" % new.dtype)
            name = str(old.dtype).split(".")[1]
            old = old.view(new.dtype) if name in PACKED or name == "bits16" else old.to(new.dtype)
        one, other = describe(old), describe(new)
        hashes = [[part.get("sha256") for part in listing["tensors"]] for listing in (one, other)]
        self.expect(hashes[0] == hashes[1], path, "other numbers")


def look(job):
    try:
        value = torch.load(job["path"], **options(job["mode"]))
    except Exception as error:
        return {"error": "%s: %s" % (type(error).__name__, str(error).split("\n")[0][:240]), "opens": False}
    if job.get("plain_cases"):
        why = plain_cases.check(value)
        return {"error": why} if why else {}
    found = {"seen": describe(value)}
    for tensor in found["seen"]["tensors"]:
        tensor.pop("storage", None)
    # One release of Python 3.11 saves a member of an enum by its class, another by getattr.
    found["seen"]["values"] = [value for value in found["seen"]["values"] if value["type"] != "object"]
    if "original" in job:
        try:
            original = torch.load(job["original"], **options("plain"))
        except Exception:  # a dtype of a later release: there is nothing to compare with
            return found
        try:
            Comparison(job["cast"]).walk(original, value)
        except Different as different:
            return {"error": str(different)}
    return found


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with open(sys.argv[1]) as file:
        jobs = json.load(file)
    results = [look(job) for job in jobs]
    with open(sys.argv[2], "w") as file:
        json.dump(results, file)
    os._exit(0)   # Debian's 2.14 aborts in its own destructors after everything is done


if __name__ == "__main__":
    main()
