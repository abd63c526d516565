"""Files that need a trick: another byte order, another location, options of the writer, several objects, bare pickles."""
import io
import pickle
import sys

import torch

from cases import counted, plain_weights, small_net
from describe import torch_version


def saved(value, legacy=False, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not legacy, **options)
    return buffer.getvalue()


def facts(case, container, write=False):
    return {"case": case, "container": container, "protocol": 2, "write": write, "safetensors": False}


class OtherOrder:
    """The module `sys` of a machine of the other byte order."""

    byteorder = "big"

    def __getattr__(self, name):
        return getattr(sys, name)


def swapped(tensor):
    """The same numbers, the bytes of each reversed, strides and offset kept."""
    storage = tensor.untyped_storage().clone()
    storage.byteswap(tensor.dtype)
    return torch.empty(0, dtype=tensor.dtype).set_(storage, tensor.storage_offset(), tensor.size(), tensor.stride())


def big_endian(maker):
    """torch.save writes the bytes as they lie in memory and says what sys.byteorder is: so both are turned round."""
    if torch_version() < (2, 1):
        return
    value = {"f32": counted(5), "f64": counted(3, torch.float64), "f16": counted(4, torch.float16), "i64": torch.arange(4),
             "i16": torch.arange(4, dtype=torch.int16), "u8": torch.arange(4, dtype=torch.uint8), "view": counted(12)[3:9:2],
             "c64": torch.complex(counted(2), counted(2) + 1), "bf16": counted(4, torch.bfloat16)}
    torch.serialization.sys = OtherOrder()
    try:
        data = saved({name: swapped(tensor) for name, tensor in value.items()})
    finally:
        torch.serialization.sys = sys
    maker.add("big_endian.zip.pt", data, facts("big_endian", "zip", write=True), value=value)


def on_cuda(maker):
    """Genuine cuda:0 locations, as a location tagger writes them on a machine without any GPU."""
    state = {"on": True}
    torch.serialization.register_package(
        5, lambda storage: "cuda:0" if state["on"] else None,
        lambda storage, location: storage if location.startswith("cuda") else None)
    value = plain_weights(small_net()).state_dict()
    for container in ("zip", "legacy"):
        data = saved(value, container == "legacy")
        maker.add("on_cuda.%s.pt" % container, data, facts("on_cuda", container, write=True), device="cuda:0")
        if container == "legacy":
            # Files of 2017 name the storage classes of torch.cuda; a GLOBAL has no length that would have to follow.
            old = data.replace(b"ctorch\nFloatStorage\n", b"ctorch.cuda\nFloatStorage\n")
            maker.add("cuda_classes.legacy.pt", old, facts("cuda_classes", "legacy", write=True), device="cuda:0", value=value)
    state["on"] = False


def writer_options(maker):
    value = {"weight": counted(5), "bias": counted(2)}
    if torch_version() >= (2, 6) and hasattr(torch.serialization, "set_crc32_options"):
        torch.serialization.set_crc32_options(False)
        maker.add("no_crc32.zip.pt", saved(value), facts("no_crc32", "zip", write=True))
        torch.serialization.set_crc32_options(True)
    if torch_version() >= (2, 7) and not maker.small:
        from torch.utils.serialization import config
        config.save.storage_alignment = 4096
        maker.add("aligned_4096.zip.pt", saved(value), facts("aligned_4096", "zip", write=True))
        config.save.storage_alignment = 64


def several_objects(maker):
    """torch.save twice into one legacy stream; torch.load is called once for each."""
    values = [{"first": counted(3)}, counted(4), ["third", 3]]
    buffer = io.BytesIO()
    for value in values:
        torch.save(value, buffer, _use_new_zipfile_serialization=False)
    maker.add("several.legacy.pt", buffer.getvalue(), facts("several", "legacy"), several=values)


def bare_pickle(maker):
    """pickle.dump of tensors: each storage is a legacy stream inside the pickle."""
    value = {"weight": counted(6).view(2, 3).t(), "half": counted(3, torch.float16), "epoch": 3}
    for protocol in (2, 4):
        data = pickle.dumps(value, protocol=protocol)
        maker.add("bare.p%d.pkl" % protocol, data, facts("bare", "pickle", write=True), several=pickle.loads(data))


def add_all(maker):
    for make in (big_endian, writer_options, several_objects, bare_pickle, on_cuda):
        make(maker)
