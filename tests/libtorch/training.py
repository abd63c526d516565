#!/usr/bin/env python3
"""training.py FOLDER: lets this PyTorch load every optimizer and scheduler that C++ wrote there (`bridge_tests` with
SCONCE_PEER_FILES set to FOLDER), go on, and compare with what an unbroken run gave (tests/fixtures/optimizers)."""
import glob
import os
import sys
import warnings

import torch

warnings.simplefilter("ignore")
torch.set_num_threads(1)
VERSION = tuple(int(part) for part in torch.__version__.split("+")[0].split("a")[0].split(".")[:2])


def load(path):
    # 1.13's first weights_only knows no floats.
    return torch.load(path, weights_only=True) if VERSION >= (2, 0) else torch.load(path)


def resumed(one):
    """Parameters after one step of an optimizer that was made with other settings and then loaded."""
    given = [torch.nn.Parameter(tensor.clone()) for tensor in one["parameters"]]
    sizes = [len(group["params"]) for group in one["state"]["param_groups"]]
    groups = [{"params": given[: sizes[0]]}] + [{"params": given[sizes[0]:]} for _ in sizes[1:]]
    optimizer = getattr(torch.optim, one["class"])(groups, lr=77)
    optimizer.load_state_dict(one["state"])

    def closure():
        optimizer.zero_grad()
        loss = ((given[0] - 0.5) ** 2).sum() + ((given[1] + 0.25) ** 4).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return given


SCHEDULERS = {  # with other settings than those of the file
    "StepLR": dict(step_size=99),
    "MultiStepLR": dict(milestones=[99]),
    "ExponentialLR": dict(gamma=0.123),
    "CosineAnnealingLR": dict(T_max=99),
    "CosineAnnealingWarmRestarts": dict(T_0=99),
    "LambdaLR": dict(lr_lambda=lambda epoch: 1.0 / (1 + epoch)),
}


def rates(one):
    """The learning rates of the last nine steps, by a scheduler that was loaded after six."""
    given = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = torch.optim.SGD([{"params": [tensor]} for tensor in given], lr=77)
    scheduler = getattr(torch.optim.lr_scheduler, one["class"])(optimizer, **SCHEDULERS.get(one["class"], {}))
    optimizer.load_state_dict(one["optimizer"])
    scheduler.load_state_dict(one["state"])
    found = []
    for _ in range(9):
        optimizer.step()
        scheduler.step(0.4) if one["class"] == "ReduceLROnPlateau" else scheduler.step()
        found.append([group["lr"] for group in optimizer.param_groups])
    return found


def schedulers(folder):
    """How many went on to the last bit, and how many did not."""
    count, failed = 0, 0
    for path in sorted(glob.glob(os.path.join(folder, "schedulers-*.pt"))):
        for name, one in load(path).items():
            if not hasattr(torch.optim.lr_scheduler, one["class"]):
                continue  # this PyTorch is older
            count += 1
            try:
                problem = "" if rates(one) == one["rates"][3:] else "%s instead of %s" % (rates(one), one["rates"][3:])
            except Exception as error:
                problem = "%s: %s" % (type(error).__name__, error)
            if problem:
                print("FAILED: %s, %s: %s" % (os.path.basename(path), name, problem))
                failed += 1
    print("   and goes on with %d of %d schedulers to the last bit" % (count - failed, count))
    return count, failed


def main():
    worst, count, failed = 0.0, 0, 0
    for path in sorted(glob.glob(os.path.join(sys.argv[1], "from-*.pt"))):
        for how, entries in load(path).items():
            for name, one in entries.items():
                count += 1
                try:
                    apart = max(float((a - b).abs().max()) for a, b in zip(resumed(one), one["after"]))
                except Exception as error:  # a refused load is what is looked for
                    print("FAILED: %s, %s (%s): %s: %s" % (os.path.basename(path), name, how, type(error).__name__, error))
                    failed += 1
                    continue
                worst = max(worst, apart)
                if not apart <= 2e-6:
                    print("FAILED: %s, %s (%s): %g from the unbroken run" % (os.path.basename(path), name, how, apart))
                    failed += 1
    print("   PyTorch %s takes the next step of %d optimizers that C++ saved; at most %g from the unbroken run" %
          (torch.__version__, count, worst), flush=True)
    steps, astray = schedulers(sys.argv[1])
    sys.stdout.flush()
    os._exit(1 if failed or astray or not count or not steps else 0)  # Debian's 1.7 aborts when its threads are torn down


if __name__ == "__main__":
    main()
