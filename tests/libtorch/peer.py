"""The Python side of the bridge's proofs.

    peer.py make DIR    models, state_dicts and tensors by this PyTorch, for the C++ tests to read
    peer.py check DIR   what the C++ tests saved (DIR/cpp_*.pt): taken by load_state_dict(strict=True), and equal

`check` ends with 'N passed, N failed'. Runs with PyTorch 1.13 and 2.13.
"""
import collections
import os
import sys
import warnings

import torch
from torch import nn

warnings.simplefilter("ignore")  # of beta layouts and deprecated dtypes


class Net(nn.Module):
    """Net of net.h."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3, bias=False), nn.BatchNorm2d(4))
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(4 * 4 * 4, 10)

    def forward(self, x):
        return self.head(self.dropout(torch.flatten(torch.relu(self.features(x)), 1)))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Embedding(7, 5)
        self.decoder = nn.Linear(5, 7, bias=False)
        self.decoder.weight = self.encoder.weight


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 6, num_layers=2, batch_first=True)
        self.attention = nn.MultiheadAttention(6, 2)
        self.norm = nn.LayerNorm(6)


MODELS = {"net": Net, "tied": Tied, "recurrent": Recurrent}


def trained_net():
    net = Net()
    net(torch.randn(4, 3, 8, 8))  # running statistics that are not those of a fresh one
    return net.eval()


def every_dtype():
    """By name: tensors of all dtypes of this PyTorch, and all ways of lying in a storage."""
    made = collections.OrderedDict()
    numbers = torch.arange(-6, 6).reshape(3, 4)
    for name in ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
                 "complex64", "complex128", "float8_e5m2", "float8_e4m3fn", "uint16", "uint32", "uint64"):
        if hasattr(torch, name):
            made[name] = numbers.abs().to(getattr(torch, name)) if name.startswith("uint") else numbers.to(getattr(torch, name))
    base = torch.arange(24.0)
    made["base"] = base
    made["view"] = base[4:16].reshape(3, 4)
    made["turned"] = base[4:16].reshape(3, 4).t()
    made["every_third"] = base[1::3]
    made["expanded"] = torch.arange(3.0).reshape(3, 1).expand(3, 4)
    made["scalar"] = torch.tensor(2.5)
    made["empty"] = torch.empty(0, 3)
    made["conj"] = torch.tensor([1 + 2j, 3 - 4j]).conj()
    made["neg"] = torch.tensor([1 + 2j, 3 - 4j]).conj().imag
    made["parameter"] = nn.Parameter(torch.ones(2))
    made["quantized"] = torch.quantize_per_tensor(torch.tensor([0.5, 1.0, 2.0]), 0.5, 10, torch.quint8)
    made["per_channel"] = torch.quantize_per_channel(
        torch.arange(6.0).reshape(2, 3), torch.tensor([0.5, 0.25]), torch.tensor([1, 2]), 0, torch.qint8)
    made["coo"] = torch.sparse_coo_tensor([[0, 2], [1, 0]], [3.0, 4.0], (3, 2)).coalesce()
    if not torch.__version__.startswith("1."):  # 1.13 saves it and cannot load it
        made["csr"] = torch.tensor([[0.0, 1.0], [2.0, 0.0]]).to_sparse_csr()
    return made


def make(folder):
    torch.manual_seed(5)
    save = lambda value, name: torch.save(value, os.path.join(folder, name))
    net = trained_net()
    state = net.state_dict()
    save(state, "net.pt")
    save({"epoch": 3, "model": state, "best": 0.5}, "checkpoint.pt")
    save(net, "whole.pt")
    save(collections.OrderedDict(("module." + name, value) for name, value in state.items()), "data_parallel.pt")
    save(collections.OrderedDict((name, value.half() if value.is_floating_point() else value)
                                 for name, value in state.items()), "half.pt")
    flat = {"features.0": "conv1", "features.1": "bn1", "features.3": "conv2", "features.4": "bn2", "head": "classifier"}
    save(collections.OrderedDict((flat[name.rsplit(".", 1)[0]] + "." + name.rsplit(".", 1)[1], value)
                                 for name, value in state.items()), "flat.pt")
    wrong = collections.OrderedDict(state)
    wrong["head.weight"] = torch.zeros(5, 64)
    wrong["head.bias"] = torch.zeros(1)  # copy_ would broadcast it
    save(wrong, "other_head.pt")
    x = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        save({"input": x, "output": net(x)}, "prediction.pt")
    for name in ("tied", "recurrent"):
        save(MODELS[name]().state_dict(), name + ".pt")
    save(every_dtype(), "tensors.pt")


def load(path):
    # 1.13's first weights_only knows no quantised and sparse tensors.
    return torch.load(path) if torch.__version__.startswith("1.") else torch.load(path, weights_only=True)


def elements(tensor):
    """What can be compared: plain numbers."""
    if tensor.is_quantized:
        return tensor.int_repr()
    if tensor.layout != torch.strided:
        return tensor.to_dense()
    if tensor.dtype.is_floating_point and tensor.element_size() < 4:
        return tensor.float()
    if str(tensor.dtype) in ("torch.uint16", "torch.uint32", "torch.uint64"):
        return tensor.to(torch.int64)
    return tensor.resolve_conj().resolve_neg()


def same(a, b):
    return (a.dtype == b.dtype and a.shape == b.shape and a.layout == b.layout and a.requires_grad == b.requires_grad
            and torch.equal(elements(a.detach()), elements(b.detach())))


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, what, right, why=""):
        if right:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED: %s %s" % (what, why))


def check_model(checks, folder, name):
    given, back = load(os.path.join(folder, name + ".pt")), load(os.path.join(folder, "cpp_%s.pt" % name))
    checks(name + ": the same names in the same order", list(given) == list(back), "%s / %s" % (list(given), list(back)))
    checks(name + ": an OrderedDict", type(back) is collections.OrderedDict, type(back))
    checks(name + ": _metadata", given._metadata == back._metadata, "%s / %s" % (given._metadata, getattr(back, "_metadata", None)))
    checks(name + ": _metadata's order", list(given._metadata) == list(getattr(back, "_metadata", [])))
    checks(name + ": equal tensors", all(same(given[key], back[key]) for key in given if key in back))
    model = MODELS[name]()
    try:
        model.load_state_dict(back, strict=True)
        checks(name + ": load_state_dict(strict=True)", all(same(value, given[key]) for key, value in model.state_dict().items()))
    except Exception as error:
        checks(name + ": load_state_dict(strict=True)", False, error)
    if name == "tied":
        checks("tied: one storage", back["encoder.weight"].data_ptr() == back["decoder.weight"].data_ptr())


def check_tensors(checks, folder):
    given, back = load(os.path.join(folder, "tensors.pt")), load(os.path.join(folder, "cpp_tensors.pt"))
    checks("tensors: names", list(given) == list(back), set(given) ^ set(back))
    for name, value in given.items():
        other = back.get(name)
        checks("tensors: " + name, other is not None and same(value, other), other)
        if value.layout == torch.strided and other is not None:
            checks("tensors: %s: strides" % name, value.stride() == other.stride(), other.stride())
    base, view = back["base"], back["view"]
    checks("tensors: views share a storage", view.data_ptr() == base.data_ptr() + 16)
    # 1.13 forgets these when it saves and loads.
    checks("tensors: is_conj, is_neg", (back["conj"].is_conj(), back["neg"].is_neg()) == (given["conj"].is_conj(), given["neg"].is_neg()))
    q, p = back["quantized"], back["per_channel"]
    checks("tensors: scales", q.q_scale() == 0.5 and q.q_zero_point() == 10 and p.q_per_channel_axis() == 0
           and p.q_per_channel_scales().tolist() == [0.5, 0.25])
    checks("tensors: coalesced", back["coo"].is_coalesced() == given["coo"].is_coalesced())


def check(folder):
    checks = Checks()
    for name in MODELS:
        check_model(checks, folder, name)
    check_tensors(checks, folder)
    print("%d passed, %d failed" % (checks.passed, checks.failed))
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(check(sys.argv[2]) if sys.argv[1] == "check" else make(sys.argv[2]))
