#!/usr/bin/env python3
"""check_safetensors.py JOBS RESULTS: opens safetensors files that Sconce wrote with the `safetensors` package, for torch
and for numpy, compares the bytes of every tensor with the manifest, and the whole file with what save_file writes.

JOBS is a list of {"ours", "manifest"}; RESULTS gets a line {"job", "mode", "outcome", "why"} for each.
"""
import hashlib
import json
import os
import struct
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import torch  # noqa: E402,F401
from safetensors import safe_open  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from describe import dtype_name, elements  # noqa: E402

NUMPY_LACKS = ("bfloat16", "float8_e5m2", "float8_e4m3fn")


def expected_tensors(path):
    with open(path) as file:
        return {tensor["name"]: tensor for tensor in json.load(file)["tensors"]}


def check_torch(path, expected):
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    assert set(tensors) == set(expected), "names differ: %s" % sorted(set(tensors) ^ set(expected))[:3]
    for name, tensor in tensors.items():
        wanted = expected[name]
        assert dtype_name(tensor.dtype) == wanted["dtype"], "dtype of %r" % name
        assert list(tensor.shape) == wanted["shape"], "shape of %r" % name
        assert hashlib.sha256(elements(tensor)).hexdigest() == wanted["sha256"], "values of %r" % name


def check_numpy(path, expected):
    with safe_open(path, "np") as file:
        for name in file.keys():
            if expected[name]["dtype"] in NUMPY_LACKS:
                continue
            array = file.get_tensor(name)
            assert list(array.shape) == expected[name]["shape"], "shape of %r" % name
            assert hashlib.sha256(array.tobytes()).hexdigest() == expected[name]["sha256"], "values of %r" % name


def check_bytes(path, _):
    """save_file of the same tensors and the same metadata gives the same bytes."""
    with safe_open(path, "pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name).clone() for name in file.keys()}
    with tempfile.TemporaryDirectory() as folder:
        other = os.path.join(folder, "by_reference.safetensors")
        save_file(tensors, other, metadata=metadata)
        with open(path, "rb") as ours, open(other, "rb") as theirs:
            one, two = ours.read(), theirs.read()
    # The reference keeps metadata in a hash table: the order of its entries changes from run to run, and nothing else.
    assert len(one) == len(two), "%d bytes, not %d" % (len(one), len(two))
    assert parts(one) == parts(two), "the bytes differ"


def parts(data):
    """The metadata as a dict, and all bytes behind it as they are."""
    text = data[8:8 + struct.unpack("<Q", data[:8])[0]].decode()
    start = '{"__metadata__":'
    if not text.startswith(start):
        return {}, data
    metadata, end = json.JSONDecoder().raw_decode(text, len(start))
    return metadata, data[8 + len(text[:end].encode()):]


def main():
    with open(sys.argv[1]) as file:
        jobs = json.load(file)
    with open(sys.argv[2], "w") as results:
        for at, job in enumerate(jobs):
            for mode, check in (("torch", check_torch), ("numpy", check_numpy), ("bytes", check_bytes)):
                why = None
                try:
                    check(job["ours"], expected_tensors(job["manifest"]))
                except Exception as error:
                    why = "%s: %s" % (type(error).__name__, str(error)[:160])
                results.write(json.dumps({"job": at, "mode": mode, "outcome": "failed" if why else "passed", "why": why}) + "\n")


if __name__ == "__main__":
    main()
