"""What is saved: one function for each case, guarded by the release that brought what it needs.

Every number is made from a counter, never by a random generator, so that two runs give the same files.
"""
import argparse
import collections
import datetime
import pathlib
import random

import numpy as np
import torch

import lab_classes
from describe import torch_version

CASES = []
VERSION = torch_version()


def case(since=(1, 0), zip_protocols=(2,), legacy_protocols=(2,), fixture=False, safetensors=False):
    """Registers a case. `safetensors`: Sconce can hold all of it there; `fixture`: a file of it is committed."""

    def register(function):
        if since <= VERSION:
            CASES.append({
                "name": function.__name__, "build": function, "zip": zip_protocols, "legacy": legacy_protocols,
                "fixture": fixture, "safetensors": safetensors})
        return function

    return register


def counted(count, dtype=torch.float32, shape=None):
    values = (torch.arange(count, dtype=torch.float64) * 0.75 - 3).to(dtype)
    return values.reshape(shape) if shape else values


def of_bytes(dtype_name, item, count=6):
    """A tensor of any dtype, from bytes, for dtypes that torch cannot compute with."""
    data = torch.tensor([(37 * at + 11) % 256 for at in range(count * item)], dtype=torch.uint8)
    return data.view(getattr(torch, dtype_name))


# -------------------------------------------------------------------------------------------- tensors
@case(fixture=True, safetensors=True)
def dtypes():
    names = "float64 float32 float16 bfloat16 int64 int32 int16 int8".split()
    found = {name: counted(7, getattr(torch, name)) for name in names}
    found["uint8"] = torch.tensor([0, 1, 127, 128, 255], dtype=torch.uint8)
    found["bool"] = torch.tensor([True, False, True])
    found["special"] = torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 1e-45])
    found["wide"] = torch.tensor([-2**63, 2**63 - 1, 0])
    return found


@case(fixture=True)
def complex_dtypes():
    return {"complex64": torch.complex(counted(5), counted(5) + 1),
            "complex128": torch.complex(counted(5, torch.float64), counted(5, torch.float64) - 7)}


@case(since=(2, 3), fixture=True)
def new_dtypes():
    found = {"uint16": of_bytes("uint16", 2), "uint32": of_bytes("uint32", 4), "uint64": of_bytes("uint64", 8)}
    for name in ("float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz", "float8_e4m3fnuz"):
        found[name] = of_bytes(name, 1)
    found["complex32"] = of_bytes("complex32", 4)
    return found


@case(since=(2, 3), safetensors=True)
def unsigned_and_float8():
    found = new_dtypes()
    return {name: found[name] for name in ("uint16", "uint32", "uint64", "float8_e5m2", "float8_e4m3fn")}


@case(since=(2, 3), fixture=True)
def bits():
    return {name: of_bytes(name, item) for name, item in
            (("bits8", 1), ("bits1x8", 1), ("bits2x4", 1), ("bits4x2", 1), ("bits16", 2))}


@case(since=(2, 8), fixture=True)
def newest_dtypes():
    found = {"float8_e8m0fnu": of_bytes("float8_e8m0fnu", 1), "float4_e2m1fn_x2": of_bytes("float4_e2m1fn_x2", 1)}
    if hasattr(torch, "bcomplex32"):
        found["bcomplex32"] = of_bytes("bcomplex32", 4)
    return found


@case(fixture=True, safetensors=True, legacy_protocols=(2, 4))
def views():
    base = counted(60)
    grid = base.reshape(5, 12)
    return {
        "base": base, "offset": base[7:19], "strided": base[::3], "transposed": grid.t(), "block": grid[1:4, 2:7],
        "expanded": torch.tensor([1.0, 2.0, 3.0]).expand(4, 3), "scalar": torch.tensor(3.5), "element": base[59],
        "channels_last": counted(24, shape=(1, 2, 3, 4)).contiguous(memory_format=torch.channels_last),
        "permuted": counted(24, shape=(2, 3, 4)).permute(2, 0, 1), "one_by_one": base[5:6].view(1, 1)}


@case(fixture=True, safetensors=True)
def empties():
    return {"none": torch.empty(0), "rows": torch.empty(0, 3), "columns": torch.empty(3, 0, 2, dtype=torch.int64),
            "at_end": counted(4)[4:], "full": counted(2)}


@case(fixture=True, safetensors=True)
def tied():
    weight = counted(12, shape=(3, 4))
    return collections.OrderedDict(
        [("a.weight", weight), ("b.weight", weight), ("c.weight", weight.view(4, 3)), ("d.bias", weight[0]),
         ("own", counted(3))])


@case(fixture=True, safetensors=True)
def parts_of_large():
    """Small views of storages of which most is hidden."""
    return {"row": counted(1000, shape=(10, 100))[4], "tail": counted(500)[490:]}


@case(fixture=True)
def parameters():
    tied_weight = torch.nn.Parameter(counted(6, shape=(2, 3)))
    return {"learned": tied_weight, "same": tied_weight, "frozen": torch.nn.Parameter(counted(2), requires_grad=False),
            "leaf": counted(3).requires_grad_(True), "plain": counted(3)}


@case(since=(2, 0), fixture=True)
def attributes():
    parameter = torch.nn.Parameter(counted(4))
    parameter.label, parameter.shard = "head", 3
    tensor = counted(4) * 2
    tensor.note = {"origin": "made", "extra": counted(2)}
    return {"parameter": parameter, "tensor": tensor}


@case(since=(1, 10), fixture=True)
def conj_and_neg():
    numbers = torch.complex(counted(6), counted(6) + 0.5)
    return {"plain": numbers, "conj": numbers.conj(), "neg": (numbers + 1).conj().imag, "conj_t": numbers.view(2, 3).conj().t(),
            "double": torch.complex(counted(3, torch.float64), counted(3, torch.float64)).conj()}


@case(fixture=True)
def quantized():
    values = counted(12, shape=(3, 4))
    scales, zeros = torch.tensor([0.1, 0.2, 0.4], dtype=torch.float64), torch.tensor([0, 5, 10])
    return {
        "qint8": torch.quantize_per_tensor(values, 0.25, 0, torch.qint8),
        "quint8": torch.quantize_per_tensor(values, 0.05, 128, torch.quint8),
        "qint32": torch.quantize_per_tensor(values, 0.001, 3, torch.qint32),
        "transposed": torch.quantize_per_tensor(values, 0.25, 1, torch.quint8).t(),
        "channels": torch.quantize_per_channel(values, scales, zeros, 0, torch.qint8)}


@case(since=(1, 13), fixture=True)
def quantized_small():
    values = counted(12, shape=(3, 4))
    scales, zeros = torch.tensor([0.5, 0.25, 1.0]), torch.tensor([0.5, 1.0, 2.0])
    return {
        "floats": torch.quantize_per_channel(values, scales, zeros, 0, torch.quint8),
        "quint4x2": torch.quantize_per_channel(values, scales, zeros, 0, torch.quint4x2),
        "quint2x4": torch.quantize_per_channel(values, scales, zeros, 0, torch.quint2x4)}


@case(fixture=True)
def sparse_coo():
    indices = torch.tensor([[0, 1, 2], [2, 0, 1]])
    return {
        "coo": torch.sparse_coo_tensor(indices, counted(3), (3, 4)),
        "coalesced": torch.sparse_coo_tensor(indices, counted(3), (3, 4)).coalesce(),
        "hybrid": torch.sparse_coo_tensor(indices, counted(6, shape=(3, 2)), (3, 4, 2)),
        "nothing": torch.sparse_coo_tensor(torch.empty(2, 0, dtype=torch.int64), torch.empty(0), (3, 4))}


@case(since=(1, 13), fixture=True)
def sparse_csr():
    return {"csr": torch.sparse_csr_tensor(torch.tensor([0, 2, 3]), torch.tensor([0, 1, 2]), counted(3), (2, 3))}


@case(since=(2, 0), fixture=True)
def sparse_compressed():
    near, far = torch.tensor([0, 2, 3]), torch.tensor([0, 1, 2])
    blocks = counted(12, shape=(3, 2, 2))
    return {
        "csc": torch.sparse_csc_tensor(near, far, counted(3), (3, 2)),
        "bsr": torch.sparse_bsr_tensor(near, far, blocks, (4, 6)),
        "bsc": torch.sparse_bsc_tensor(near, far, blocks, (6, 4))}


@case(since=(2, 1), fixture=True, legacy_protocols=())
def nested_strided():
    """Not as a legacy stream: torch builds the tensor before it has read the sizes, and sees garbage or nothing."""
    return {"nested": torch.nested.nested_tensor([counted(6, shape=(2, 3)), counted(12, shape=(4, 3))]), "plain": counted(2)}


@case(since=(2, 5), fixture=True)
def nested_jagged():
    parts = [counted(6, shape=(2, 3)), counted(12, shape=(4, 3))]
    return {"jagged": torch.nested.nested_tensor(parts, layout=torch.jagged), "plain": counted(2)}


@case(since=(1, 10), fixture=True)
def meta():
    return {"meta": torch.empty(3, 4, device="meta"), "strided": torch.empty(4, 3, device="meta").t(), "real": counted(2)}


@case(since=(1, 10), fixture=True)
def subclass():
    return {"labelled": counted(4).as_subclass(lab_classes.Labelled), "plain": counted(2)}


@case(fixture=True)
def bare_tensor():
    return counted(6, shape=(2, 3)).t()


@case(fixture=True)
def list_root():
    return [counted(2), (counted(3), {"deep": [counted(1)]}), 7]


@case(fixture=True)
def bare_storages():
    shared = counted(8)
    found = {"float": shared.storage(), "int": torch.tensor([1, 2, 3], dtype=torch.int32).storage(), "view": shared[2:5]}
    if VERSION >= (2, 0):
        found["untyped"] = counted(3).untyped_storage()
    return found


@case(safetensors=True)
def thousand():
    return {"layer.%d.weight" % at: counted(3 + at % 5) + at for at in range(1000)}


# -------------------------------------------------------------------------------------------- models and training
def small_net():
    torch.manual_seed(7)
    return torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.ReLU(), torch.nn.Sequential(torch.nn.Linear(4, 2)))


def plain_weights(module):
    """The same numbers in every release: the random generators of releases differ."""
    with torch.no_grad():
        for at, parameter in enumerate(module.parameters()):
            parameter.copy_(counted(parameter.numel()).reshape(parameter.shape) * 0.125 + at)
    return module


@case(fixture=True, safetensors=True, zip_protocols=(2, 3, 4, 5), legacy_protocols=(1, 2, 3, 4, 5))
def state_dict():
    return plain_weights(small_net()).state_dict()


@case()
def module():
    return plain_weights(small_net())


@case()
def modules():
    named = collections.OrderedDict([
        ("linear", torch.nn.Linear(3, 2)), ("conv", torch.nn.Conv1d(2, 2, 3, bias=False)), ("norm", torch.nn.BatchNorm1d(3)),
        ("lstm", torch.nn.LSTM(2, 3)), ("embedding", torch.nn.Embedding(4, 2)), ("layer_norm", torch.nn.LayerNorm(3)),
        ("list", torch.nn.ModuleList([torch.nn.Linear(2, 2), torch.nn.ReLU()]))])
    return plain_weights(torch.nn.Sequential(named))


@case(fixture=True)
def shared_module():
    return plain_weights(lab_classes.Tied())


def stepped(optimizer_class, **options):
    model = plain_weights(torch.nn.Linear(3, 2))
    optimizer = optimizer_class(model.parameters(), **options)
    for step in range(2):
        loss = (model(counted(3)) ** 2).sum() * (step + 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, optimizer


@case(fixture=True)
def optimizer_state():
    return stepped(torch.optim.AdamW)[1].state_dict()


@case()
def optimizers():
    optim, found = torch.optim, {}
    plain = {"SGD": {"lr": 0.1, "momentum": 0.9}, "Adam": {"amsgrad": True}, "AdamW": {}, "RMSprop": {"centered": True},
             "Adagrad": {}, "Adadelta": {}, "Adamax": {}, "Rprop": {}, "ASGD": {}}
    for name, options in plain.items():
        found[name] = stepped(getattr(optim, name), **options)[1].state_dict()
    for name in ("NAdam", "RAdam", "Adafactor"):
        if hasattr(optim, name):
            found[name] = stepped(getattr(optim, name))[1].state_dict()
    return found


@case()
def whole_optimizer():
    return {"optimizer": stepped(torch.optim.SGD, lr=0.1, momentum=0.9)[1]}


@case(fixture=True)
def schedulers():
    rates, found = torch.optim.lr_scheduler, {}
    optimizer = stepped(torch.optim.SGD, lr=0.1)[1]
    found["step"] = rates.StepLR(optimizer, 3).state_dict()
    found["milestones"] = rates.MultiStepLR(optimizer, [2, 4, 4]).state_dict()
    found["cosine"] = rates.CosineAnnealingLR(optimizer, 10).state_dict()
    found["exponential"] = rates.ExponentialLR(optimizer, 0.9).state_dict()
    return found


@case(fixture=True, zip_protocols=(2, 3, 4, 5), legacy_protocols=(1, 2, 3, 4, 5))
def training_run():
    model, optimizer = stepped(torch.optim.Adam)
    random.seed(3)
    return {
        "epoch": 12, "global_step": 2**40, "best": float("inf"), "loss": float("nan"), "model": model.state_dict(),
        "optimizer": optimizer.state_dict(), "rng": torch.arange(5056, dtype=torch.int32).to(torch.uint8),
        "python_rng": random.getstate()[1][:20], "history": [0.5, 0.25, -0.0], "best_epoch": None, "done": True,
        "name": "run é 名 \U0001f600", "losses": {1: 0.5, 2: 0.25, -3: 1e300}}


@case(fixture=True, legacy_protocols=(0, 1, 2, 3, 4, 5), zip_protocols=(2, 3, 4, 5))
def python_values():
    return {
        "big": [2**62, -2**63, 2**63, 2**100, -2**70, 255, 256, 65535, 65536, -1], "bytes": b"\x00\x01\xfe\xff raw",
        "no_bytes": b"", "bytearray": bytearray(b"abc"), "set": {1}, "frozenset": frozenset(["x"]), "complex": 1.5 - 2j,
        "tuple": (1, (2, (3, ())), "four", None), "slice": slice(1, None, 2), "range": range(0, 10, 3),
        "long": "x" * 300, "empty": "", "nested": {"a": {"b": [{"c": 1}]}}, "no_items": [{}, [], ()],
        None: "none", True: "yes", 2.5: "float", (1, "a"): "tuple", -5: "minus", "lines": "a\nb\tc\\d\"e"}


@case(zip_protocols=(2, 4, 5), legacy_protocols=(2, 4, 5))
def long_values():
    return {"text": "x" * 70000, "bytes": b"\xff\x00" * 40000, "list": list(range(2500)), "dict": {at: at for at in range(1500)},
            "tuple": tuple(range(300))}


@case(fixture=True)
def torch_values():
    return {"size": torch.Size([2, 3]), "dtype": torch.float16, "device": torch.device("cpu"), "layout": torch.strided,
            "cuda": torch.device("cuda", 1), "tensor": counted(2)}


@case(fixture=True)
def collections_values():
    counts = collections.defaultdict(list)
    counts["a"].append(counted(2))
    counts[7].append("seven")
    ordered = collections.OrderedDict([("z", 1), ("a", 2)])
    return {"defaultdict": counts, "counter": collections.Counter("abca"), "ordered": ordered,
            "named": lab_classes.Point(counted(2), "y"), "int_factory": collections.defaultdict(int, {"k": 3})}


@case(fixture=True)
def objects():
    holder = lab_classes.Holder(weight=counted(3), rate=0.5)
    return {
        "args": argparse.Namespace(lr=0.1, layers=[1, 2], name="run"), "holder": holder, "again": holder,
        "slots": lab_classes.Slots(counted(1), "right"), "when": datetime.datetime(2024, 5, 6, 7, 8, 9),
        "kind": lab_classes.Holder, "function": len}


@case(fixture=True)
def enumeration():
    """Python 3.11 pickles a member as a call of getattr, the others as a call of the class."""
    return {"color": lab_classes.Color.BLUE, "tensor": counted(2)}


@case()
def path_value():
    return {"path": pathlib.PurePosixPath("models/run.pt"), "tensor": counted(2)}


@case(fixture=True)
def shared_containers():
    shared, tensor = [1, counted(2)], counted(3)
    return {"one": shared, "two": shared, "t": [tensor, tensor, {"deep": tensor}]}


@case(fixture=True, zip_protocols=(2, 4), legacy_protocols=(2, 5))
def numpy_values():
    grid = np.arange(12, dtype=np.float32).reshape(3, 4)
    found = {name: np.arange(3).astype(name) for name in
             "float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool complex64 complex128".split()}
    found.update({
        "grid": grid, "fortran": np.asfortranarray(grid), "big_endian": np.arange(4, dtype=">i4"), "one": np.array(2.5),
        "empty": np.zeros((0, 3)), "scalar": np.float32(1.5), "scalar64": np.float64(0.1), "integer": np.int64(-7),
        "truth": np.bool_(True), "type": np.dtype("float32"), "text": np.array(["a", "bc"]), "records":
        np.zeros(2, dtype=[("x", "f4"), ("y", "i2")]), "objects": np.array([None, 1], dtype=object), "tensor": counted(2)})
    return found


@case(fixture=True, safetensors=True)
def names():
    return {"weight.ünïcode.名前": counted(2), "with space": counted(2), "q\"uote\\": counted(1), "": counted(1),
            "a.b.c.d": counted(2), "x" * 400: counted(1), "new\nline": counted(1), "\U0001f600": counted(1)}


@case(fixture=True)
def int_keys():
    return {0: counted(2), 1: {10: counted(1), -1: counted(1)}, 2**40: counted(1)}
