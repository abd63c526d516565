"""load.py HOW FILE: what load.cc does, in Python: load_state_dict(torch.load(FILE)). HOW: load, mmap. `load.py make
FOLDER` writes the files: state.pt (a state_dict) and plain.pt (a plain dict, which torch::pickle_load can read)."""
import os
import sys
import time

import torch


class Model(torch.nn.Module):
    def __init__(self, make=torch.zeros):
        super().__init__()
        for at in range(64):
            self.register_parameter("w%d" % at, torch.nn.Parameter(make(2048, 2048)))


def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name))


def make(folder):
    state = Model(torch.rand).state_dict()
    torch.save(state, os.path.join(folder, "state.pt"))
    torch.save(dict(state), os.path.join(folder, "plain.pt"))


def measure(how, path):
    model = Model()
    options = {"mmap": True} if how == "mmap" else {}
    before = status("VmRSS:")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # VmHWM counts from here on
    start = time.perf_counter()
    model.load_state_dict(torch.load(path, **options))
    seconds = time.perf_counter() - start
    peak = status("VmHWM:") - before
    total = sum(float(parameter.detach().sum(dtype=torch.float64)) for parameter in model.parameters())
    print("%.4f %d %.6g" % (seconds, peak // 1024, total))


if __name__ == "__main__":
    make(sys.argv[2]) if sys.argv[1] == "make" else measure(sys.argv[1], sys.argv[2])
