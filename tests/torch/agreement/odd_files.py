"""Files that load although nobody's torch.save writes them: other containers' habits, old opcodes, empty and large values.
Made by hand, so that they may be loaded in every mode."""
import io
import pickle
import struct
import zipfile

ORDERED = b"ccollections\nOrderedDict\n)R"


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def tensor(key="0", numel=2, storage=b"ctorch\nFloatStorage\n", location="cpu"):
    """_rebuild_tensor_v2 of a whole storage of small size."""
    identity = b"(" + text("storage") + storage + text(key) + text(location) + b"K" + bytes([numel]) + b"tQ"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + identity + b"K\x00K" + bytes([numel]) + b"\x85K\x01\x85\x89" + ORDERED + b"tR"


def archive(body, records=None, version=b"3\n", version_name="version", compress=(), root="archive", protocol=2):
    """A zip archive with this pickle, whose storage 0 has two float32 elements."""
    records = {"data/0": struct.pack("<2f", 1, 2)} if records is None else records
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        def add(name, data):
            out.writestr(zipfile.ZipInfo(root + "/" + name), data,
                         zipfile.ZIP_DEFLATED if name in compress else zipfile.ZIP_STORED)
        add("data.pkl", b"\x80" + bytes([protocol]) + body + b".")
        for name, data in records.items():
            add(name, data)
        if version is not None:
            add(version_name, version)
    return buffer.getvalue()


def stream(body):
    """The stream of before 1.6 without storages."""
    small = [pickle.dumps(value, 2) for value in (0x1950a86a20f9469cfc6c, 1001, {"little_endian": True})]
    return b"".join(small) + b"\x80\x02" + body + b"." + pickle.dumps([], 2)


def dict_of(*pairs):
    return b"}(" + b"".join(text(key) + value for key, value in pairs) + b"u"


TENSOR = dict_of(("weight", tensor()), ("count", b"K\x07"))

FILES = {
    "version_2": archive(TENSOR, version=b"2\n"),
    "version_4": archive(TENSOR, version=b"4\n"),
    "version_6": archive(TENSOR, version=b"6\n"),
    "version_10": archive(TENSOR, version=b"10"),
    "data_version": archive(TENSOR, version=b"6\n", version_name=".data/version"),
    "compressed_pickle": archive(TENSOR, compress=("data.pkl",)),
    "compressed_storage": archive(TENSOR, compress=("data/0",)),
    "extra_record": archive(TENSOR, records={"data/0": bytes(8), "notes/readme.txt": b"hello"}),
    "other_root": archive(TENSOR, root="модель"),
    "byteorder_little": archive(TENSOR, records={"data/0": bytes(8), "byteorder": b"little"}),
    "one_entry": archive(b"}" + text("weight") + tensor() + b"s"),
    "one_item": archive(b"]" + tensor() + b"a"),
    "empty_dict": archive(b"}", records={}),
    "empty_ordered": archive(ORDERED, records={}),
    "none": archive(b"N", records={}),
    "old_rebuild": archive(dict_of(("w", b"ctorch._utils\n_rebuild_tensor\n(" + tensor().split(b"(", 1)[1].split(b"Q")[0] +
                                    b"QK\x00K\x02\x85K\x01\x85tR"), ("n", b"K\x01"))),
    "shared_key": archive(dict_of(("a", tensor()), ("b", tensor()))),
    "integer_key": archive(b"}(K\x01" + tensor() + b"K\x02K\x03u"),
    "none_key": archive(b"}(N" + tensor() + b"K\x02K\x03u"),
    "tuple_key": archive(b"}(K\x01K\x02\x86" + tensor() + b"K\x02K\x03u"),
    "float_value": archive(dict_of(("lr", b"G" + struct.pack(">d", 0.1)), ("w", tensor()))),
    "long_of_8": archive(dict_of(("n", b"\x8a\x08" + struct.pack("<q", 2**40)), ("w", tensor()))),
    "long_of_6": archive(dict_of(("n", b"\x8a\x06" + struct.pack("<q", 2**40)[:6]), ("w", tensor()))),
    "int_text": archive(dict_of(("n", b"I7\n"), ("w", tensor()))),
    "text_opcode": archive(dict_of(("n", b"Vseven\n"), ("w", tensor()))),
    "python2_text": archive(dict_of(("n", b"U\x05seven"), ("w", tensor()))),
    "python2_long_text": archive(dict_of(("n", b"T\x05\x00\x00\x00seven"), ("w", tensor()))),
    "python2_not_utf8": archive(dict_of(("n", b"U\x02\xff\xfe"), ("w", tensor()))),
    "protocol_3_bytes": archive(dict_of(("n", b"C\x02ab"), ("w", tensor())), protocol=3),
    "protocol_4_short": archive(b"}\x94(\x8c\x01n\x94K\x01\x8c\x01w\x94" + tensor() + b"u", protocol=4),
    "duplicate": archive(dict_of(("w", tensor() + b"q\x00"), ("again", b"h\x00"))),
    "dup_opcode": archive(b"]20", records={}),
    "mark_list": archive(b"(K\x01K\x02l", records={}),
    "mark_dict": archive(b"(" + text("a") + b"K\x01d", records={}),
    "empty_set": archive(dict_of(("s", b"\x8f"), ("w", tensor()))),
    "size": archive(dict_of(("s", b"ctorch\nSize\n(K\x02K\x03t\x85R"), ("w", tensor()))),
    "cuda_class": archive(dict_of(("w", tensor(storage=b"ctorch.cuda\nFloatStorage\n")), ("n", b"K\x01"))),
    "on_cuda": archive(dict_of(("w", tensor(location="cuda:0")), ("n", b"K\x01"))),
    "untyped_of_torch": archive(dict_of(("s", b"(" + text("storage") + b"ctorch\nUntypedStorage\n" + text("0") +
                                         text("cpu") + b"K\x08tQ"), ("n", b"K\x01"))),
    "builtins_list": archive(dict_of(("l", b"c__builtin__\nlist\n)R"), ("w", tensor()))),
    "dtype": archive(dict_of(("d", b"ctorch\nint64\n"), ("w", tensor()))),
    "dtype_bool": archive(dict_of(("d", b"ctorch\nbool\n"), ("w", tensor()))),
    "legacy_plain": stream(dict_of(("n", b"K\x01"), ("s", text("x")))),
    "legacy_float": stream(dict_of(("n", b"G" + struct.pack(">d", 0.1)), ("s", text("x")))),
    "legacy_text": stream(dict_of(("n", b"U\x03abc"), ("s", b"I01\n"))),
}
