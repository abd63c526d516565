#!/usr/bin/env python3
"""check_written.py JOBS RESULTS [FIRST]: opens files that Sconce wrote with this PyTorch, and compares what it sees with
what it sees in the file that PyTorch wrote: names, values, dtypes, shapes, strides, sharing, _metadata, requires_grad.

JOBS is a list of {"ours", "original", "modes"}; where "manifest" is given, that is compared instead of the original (from
release "since" on); fields of "ignore" are not compared.
RESULTS gets a line for each job and mode when it begins and when it is done, so that a crash of torch is noticed.
"""
import json
import os
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import torch  # noqa: E402

from describe import describe, torch_version  # noqa: E402

VERSION = torch_version()


def options(mode):
    found = {"map_location": "cpu"}
    if VERSION >= (1, 13):
        found["weights_only"] = mode == "weights_only"
    if mode == "mmap":
        found["mmap"] = True
    return found


def available(mode):
    return {"plain": True, "weights_only": VERSION >= (1, 13), "mmap": VERSION >= (2, 1)}[mode]


def comparable(listing):
    for tensor in listing["tensors"]:
        tensor.pop("device", None)
    return listing


def without(listing, job):
    ignored = job.get("ignore", ())
    tensors = [{key: part for key, part in tensor.items() if key not in ignored} for tensor in listing["tensors"]]
    return dict(listing, tensors=tensors)


def look(path, mode):
    """What this PyTorch sees in a file, or why it does not open it."""
    try:
        return comparable(describe(torch.load(path, **options(mode)))), None
    except Exception as error:
        return None, "%s: %s" % (type(error).__name__, str(error).split("\n")[0][:160])


class Originals:
    """What PyTorch sees in its own files, read once."""

    def __init__(self):
        self.seen = {}

    def look(self, job, mode):
        if "manifest" in job:
            with open(job["manifest"]) as file:
                return comparable(json.load(file)), None
        key = (job["original"], mode)
        if key not in self.seen:
            self.seen[key] = look(*key)
        return self.seen[key]


def first_difference(expected, found):
    for kind in ("tensors", "values"):
        for one, other in zip(expected[kind], found[kind]):
            if one != other:
                fields = [key for key in set(one) | set(other) if one.get(key) != other.get(key)]
                return "%s of %r: %s, not %s" % (fields[0], one["name"], other.get(fields[0]), one.get(fields[0]))
        if len(expected[kind]) != len(found[kind]):
            return "%d %s, not %d" % (len(found[kind]), kind, len(expected[kind]))
    return "other places that are loose"


def check(job, mode, originals, begin):
    begin("original")
    expected, _ = originals.look(job, mode)
    if expected is None or VERSION < tuple(job.get("since", (0, 0))) or (mode == "weights_only" and "manifest" in job):
        return "not opened", None
    begin("ours")
    found, error = look(job["ours"], mode)
    if found is None:
        return "failed", "does not open: " + error
    if without(found, job) != without(expected, job):
        return "failed", first_difference(expected, found)
    return "passed", None


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with open(sys.argv[1]) as file:
        jobs = json.load(file)
    originals = Originals()
    with open(sys.argv[2], "a") as results:
        def say(**line):
            results.write(json.dumps(line) + "\n")
            results.flush()

        for at in range(int(sys.argv[3]) if len(sys.argv) > 3 else 0, len(jobs)):
            for mode in filter(available, jobs[at]["modes"]):
                outcome, why = check(jobs[at], mode, originals, lambda what: say(job=at, mode=mode, begins=what))
                say(job=at, mode=mode, outcome=outcome, why=why)
        say(done=True)
    os._exit(0)   # Debian's 2.14 aborts in its own destructors after everything is done


if __name__ == "__main__":
    main()
