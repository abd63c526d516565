"""What is in an object that PyTorch loaded: the answer that `sconce inspect --json --hash` owes for its file.

Runs on every PyTorch from 1.7 on and needs torch and numpy only. Bytes are taken from the storages through their address,
so that a dtype which a release can hold but not compute with (float8, float4, bits) is described like any other.
"""
import collections
import copyreg
import ctypes
import enum
import hashlib
import types

import numpy as np
import torch

PER_BYTE = {"quint4x2": 2, "quint2x4": 4}
MODULE_DICTS = ("_parameters", "_buffers", "_modules")
NUMPY_KINDS = "biufc"
STORAGE_DTYPES = {
    "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64", "Int": "int32",
    "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool", "ComplexFloat": "complex64",
    "ComplexDouble": "complex128", "QInt8": "qint8", "QUInt8": "quint8", "QInt32": "qint32",
}


def torch_version():
    return tuple(int(part) for part in torch.__version__.split("+")[0].split("a")[0].split(".")[:2])


def is_storage(value):
    return torch.is_storage(value) or type(value).__name__ in ("UntypedStorage", "_UntypedStorage", "TypedStorage")


def storage_of(tensor):
    return tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor.storage()


def storage_bytes(storage):
    size = storage.nbytes() if hasattr(storage, "nbytes") else storage.size() * storage.element_size()
    return ctypes.string_at(storage.data_ptr(), size) if size else b""


def raw_elements(raw, item, offset, shape, strides):
    """Row-major bytes of a strided view of `raw`."""
    if 0 in shape:
        return b""
    items = np.frombuffer(raw, dtype="V%d" % item)[offset:]
    view = np.lib.stride_tricks.as_strided(items, shape, [s * item for s in strides])
    return np.ascontiguousarray(view).tobytes()


def flip(data, tensor):
    """Applies the conjugate and negative bits."""
    halves = {"complex32": "f2", "complex64": "f4", "complex128": "f8"}
    if hasattr(tensor, "is_conj") and tensor.is_conj():
        numbers = np.frombuffer(data, dtype=halves[dtype_name(tensor.dtype)]).copy()
        numbers[1::2] = -numbers[1::2]
        data = numbers.tobytes()
    if hasattr(tensor, "is_neg") and tensor.is_neg():
        name = dtype_name(tensor.dtype)
        numbers = np.frombuffer(data, dtype=halves.get(name, "f%d" % tensor.element_size()))
        data = (-numbers).tobytes()
    return data


def elements(tensor):
    """The elements in row-major order, conjugate and negative bits resolved."""
    name = dtype_name(tensor.dtype)
    raw = storage_bytes(storage_of(tensor))
    if name in PER_BYTE:
        return raw[: -(-tensor.numel() // PER_BYTE[name])]
    data = raw_elements(raw, tensor.element_size(), tensor.storage_offset(), tuple(tensor.shape), tensor.stride())
    return flip(data, tensor)


def dtype_name(dtype):
    return str(dtype).replace("torch.", "")


def digest(data):
    return hashlib.sha256(data).hexdigest()


def dotted(value):
    return "%s.%s" % (value.__module__, value.__qualname__)


class Describer:
    """Walks a tree as Sconce's own walker does, and collects tensors and values."""

    def __init__(self, device=None):
        self.device = device        # tag that a tagger gave to every storage of the file
        self.tensors, self.values, self.loose, self.kept = [], [], [], []
        self.storages, self.open, self.within = {}, set(), {}

    def result(self):
        tensors = [{key: part for key, part in entry.items() if part is not None} for entry in self.tensors]
        return {"tensors": tensors, "values": self.values, "loose": self.loose, "within": self.within}

    # ---------------------------------------------------------------- tensors
    def number(self, storage):
        self.kept.append(storage)   # an address may only be used again when the storage is gone
        return self.storages.setdefault(storage._cdata, len(self.storages))

    def entry(self, name, tensor):
        layout = str(tensor.layout).replace("torch.", "")
        return {
            "name": name, "dtype": dtype_name(tensor.dtype),
            "shape": None if getattr(tensor, "is_nested", False) else list(tensor.shape),
            "stride": None, "storage_offset": None, "storage": None, "layout": layout,
            "device": self.device or str(tensor.device), "nbytes": None, "sha256": None,
            "requires_grad": bool(tensor.requires_grad),
        }

    def tensor(self, name, tensor):
        if str(tensor.layout) == "torch.jagged":
            self.jagged(name, tensor)
            return
        entry = self.entry(name, tensor)
        self.tensors.append(entry)
        if tensor.is_meta if hasattr(tensor, "is_meta") else False:
            entry.update(stride=list(tensor.stride()), device="meta")
        elif getattr(tensor, "is_nested", False):
            entry["layout"] = "nested"
            self.loose.append(name)
        elif entry["layout"] == "strided":
            self.strided(entry, tensor)
        else:
            self.sparse(name, tensor)
        if tensor.is_quantized and "channel" in str(tensor.qscheme()):
            self.tensor(self.join(name, "scales"), tensor.q_per_channel_scales())
            self.tensor(self.join(name, "zero_points"), tensor.q_per_channel_zero_points())
            self.loose += [self.join(name, "scales"), self.join(name, "zero_points")]
        self.attributes(name, getattr(tensor, "__dict__", {}), False)

    def jagged(self, name, tensor):
        """A wrapper of several tensors: their bytes must be found beneath its name, however they are called."""
        self.loose.append(name)
        self.within[name] = [digest(elements(part.detach())) for part in (tensor.values(), tensor.offsets())]

    def strided(self, entry, tensor):
        detached = tensor.detach()
        entry.update(
            stride=list(tensor.stride()), storage_offset=int(tensor.storage_offset()),
            storage=self.number(storage_of(detached)), sha256=digest(elements(detached)),
            nbytes=tensor.numel() * tensor.element_size())

    def sparse(self, name, tensor):
        tensor = tensor.detach()
        if tensor.layout == torch.sparse_coo:
            self.tensor(self.join(name, "indices"), tensor._indices())
        else:
            by_row = str(tensor.layout) in ("torch.sparse_csr", "torch.sparse_bsr")
            first, second = ("crow_indices", "col_indices") if by_row else ("ccol_indices", "row_indices")
            self.tensor(self.join(name, first), getattr(tensor, first)())
            self.tensor(self.join(name, second), getattr(tensor, second)())
        self.tensor(self.join(name, "values"), tensor._values() if tensor.layout == torch.sparse_coo else tensor.values())

    def array(self, name, array):
        if array.dtype.kind not in NUMPY_KINDS or array.dtype.itemsize > (16 if array.dtype.kind == "c" else 8):
            self.loose.append(name)
            return
        item = array.dtype.itemsize
        little = array.astype(array.dtype.newbyteorder("<"))
        self.tensors.append({
            "name": name, "dtype": array.dtype.newbyteorder("=").name, "shape": list(array.shape),
            "stride": [s // item for s in array.strides] if array.size else None, "storage_offset": 0, "storage": None,
            "layout": "strided", "device": "cpu", "nbytes": array.size * item, "requires_grad": False,
            "sha256": digest(np.ascontiguousarray(little).tobytes())})

    def storage(self, name, storage):
        kind = type(storage).__name__.replace("Storage", "")
        if getattr(storage, "dtype", None) is not None and isinstance(storage.dtype, torch.dtype):
            dtype = dtype_name(storage.dtype)
        else:
            dtype = STORAGE_DTYPES.get(kind, "uint8")
        data = storage_bytes(storage)
        self.tensors.append({
            "name": name, "dtype": dtype, "shape": [len(data) // storage.element_size()], "stride": [1],
            "storage_offset": 0, "storage": self.number(storage), "layout": "strided", "device": self.device or "cpu",
            "nbytes": len(data), "sha256": digest(data), "requires_grad": False})

    # ---------------------------------------------------------------- the tree
    @staticmethod
    def join(name, step):
        return step if name is None else "%s.%s" % (name, step)

    def step(self, name, key, position):
        if isinstance(key, str):
            return self.join(name, key)
        if isinstance(key, int) and not isinstance(key, bool):
            return self.join(name, str(key))
        plain = key is None or isinstance(key, (bool, float, tuple, bytes))
        return self.join(name, repr(key) if plain else "#%d" % position)

    def value(self, name, kind, value):
        self.values.append({"name": name or "", "type": kind, "value": value})

    def scalar(self, name, value):
        """Whether it was one of Python's or torch's small values."""
        if value is None:
            self.value(name, "none", None)
        elif isinstance(value, enum.Enum):
            return False
        elif isinstance(value, bool):
            self.value(name, "bool", value)
        elif type(value) is int:
            self.value(name, "int", value if -2**63 <= value < 2**63 else str(value))
        elif type(value) is float:
            self.value(name, "float", value if value - value == 0 else repr(value))
        elif type(value) is str:
            self.value(name, "str", value)
        elif type(value) in (complex, bytes, bytearray):
            self.value(name, type(value).__name__, repr(value))
        elif type(value) in (slice, range):
            kind = type(value).__name__
            self.value(name, kind, "%s(%r, %r, %r)" % (kind, value.start, value.stop, value.step))
        elif isinstance(value, torch.dtype):
            self.value(name, "dtype", str(value))
        elif isinstance(value, (torch.device, torch.layout)):
            self.value(name, type(value).__name__, str(value))
        elif isinstance(value, np.generic):
            number = value.item()
            self.value(name, "scalar", repr(number) if isinstance(number, complex) or number != number else number)
        elif isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            self.value(name, "global", dotted(value))
        else:
            return False
        return True

    def walk(self, name, value):
        if isinstance(value, torch.Tensor):
            self.tensor(name or "", value)
        elif isinstance(value, np.ndarray):
            self.array(name or "", value)
        elif is_storage(value):
            self.storage(name or "", value)
        elif not self.scalar(name, value) and id(value) not in self.open:
            self.open.add(id(value))
            self.container(name, value)
            self.open.discard(id(value))

    def container(self, name, value):
        if type(value) in (dict, collections.OrderedDict, collections.defaultdict, collections.Counter):
            for position, (key, item) in enumerate(value.items()):
                self.walk(self.step(name, key, position), item)
            self.attributes(name, getattr(value, "__dict__", {}), False)
        elif type(value) in (list, tuple, torch.Size, set, frozenset):
            for position, item in enumerate(value):
                self.walk(self.join(name, str(position)), item)
        elif isinstance(value, (np.dtype, torch.Generator)) or type(value).__module__.startswith(("torch.return_types",)):
            self.loose.append(name or "")
        else:
            self.object(name, value)

    def attributes(self, name, attributes, of_module):
        for key, item in attributes.items():
            if of_module and key in MODULE_DICTS and isinstance(item, dict):
                for inner, part in item.items():
                    if part is not None:
                        self.walk(self.join(name, inner), part)
            else:
                self.walk(self.join(name, str(key)), item)

    def object(self, name, value):
        """An object of any class, as pickle takes it apart."""
        reduced = value.__reduce_ex__(2)
        if isinstance(reduced, str):
            self.value(name, "global", "%s.%s" % (value.__module__, reduced))
            return
        function, args, state, items, entries = (tuple(reduced) + (None,) * 5)[:5]
        if function is copyreg.__newobj__:
            function, args = args[0], args[1:]
        self.value(name, "object", dotted(function))
        for position, item in enumerate(args):
            self.walk(self.join(name, str(position)), item)
        for position, item in enumerate(items or ()):
            self.walk(self.join(name, str(position)), item)
        for position, (key, item) in enumerate(entries or ()):
            self.walk(self.step(name, key, position), item)
        if isinstance(state, tuple) and len(state) == 2 and all(part is None or isinstance(part, dict) for part in state):
            state = {**(state[0] or {}), **(state[1] or {})}
        if isinstance(state, dict):
            self.attributes(name, state, all(isinstance(state.get(part), dict) for part in MODULE_DICTS))


def describe(value, device=None):
    """Tensors and values of a tree; `loose` names places that may be spelled in more than one way, `within` the hashes
    of tensors that are to be found beneath such a place."""
    describer = Describer(device)
    describer.walk(None, value)
    return describer.result()
