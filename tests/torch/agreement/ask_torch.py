#!/usr/bin/env python3
"""ask_torch.py JOBS RESULTS FIRST: what this PyTorch does with each file and mode of JOBS, a line of JSON for each answer.

JOBS: a list of {"file": path, "mode": "plain" | "weights_only" | "mmap" | "mmap_weights_only"}, files for weights_only
first: loading plainly imports modules that weights_only then knows. A line says which job begins before it does, so that
whoever started this knows where it crashed.
"""
import json
import os
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import numpy  # noqa: E402
import torch  # noqa: E402

VERSION = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])


def import_everything():
    """Plain loading is judged as if every module were importable: numpy._core under the numpy of old releases,
    pathlib._local, which only Python 3.13 has, and classes of the script that saved a file."""
    import pathlib
    main_module = sys.modules["__main__"]
    main_module.__getattr__ = lambda name: main_module.__dict__.setdefault(name, type(name, (torch.nn.Module,), {}))
    sys.modules.setdefault("pathlib._local", pathlib)
    if not hasattr(numpy, "_core"):
        sys.modules["numpy._core"] = numpy.core
        for name in ("multiarray", "numeric"):
            __import__("numpy.core." + name)
            sys.modules["numpy._core." + name] = sys.modules["numpy.core." + name]


def supports(mode):
    if "weights_only" in mode and VERSION < (1, 13):
        return False
    return "mmap" not in mode or VERSION >= (2, 1)


def load(path, mode):
    if not supports(mode):
        raise TypeError("no such mode")
    options = {"map_location": "cpu"}
    if VERSION >= (1, 13):
        options["weights_only"] = "weights_only" in mode
    if "mmap" in mode:
        options["mmap"] = True
    return torch.load(path, **options)


def main():
    warnings.simplefilter("ignore")
    jobs = json.load(open(sys.argv[1]))
    plain_seen = False
    with open(sys.argv[2], "a") as results:
        def tell(**line):
            results.write(json.dumps(line) + "\n")
            results.flush()

        for number in range(int(sys.argv[3]), len(jobs)):
            job = jobs[number]
            if "weights_only" not in job["mode"] and not plain_seen:
                plain_seen = True
                import_everything()
            tell(begins=number)
            try:
                load(job["file"], job["mode"])
                tell(job=number, opens=True, message="")
            except BaseException as error:
                tell(job=number, opens=False, message="%s: %s" % (type(error).__name__, str(error)[:600]))
        tell(done=True)
    os._exit(0)   # Debian's 2.14 aborts in its own destructors after everything is done


if __name__ == "__main__":
    main()
