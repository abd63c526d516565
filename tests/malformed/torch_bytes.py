"""Torch's pickles and zip archives, put together byte by byte, so that any byte of them can be wrong."""
import struct
import zlib

PROTO, STOP, MARK, TUPLE, EMPTY_TUPLE, REDUCE, BINPERSID = b'\x80\x02', b'.', b'(', b't', b')', b'R', b'Q'


def text(value):
    raw = value.encode('utf-8', 'surrogatepass')
    return b'X' + struct.pack('<I', len(raw)) + raw


def name(module, attribute):
    return b'c' + module.encode() + b'\n' + attribute.encode() + b'\n'


def integer(value):
    if isinstance(value, bytes):
        return value                                  # an opcode that is no integer at all
    if -2**31 <= value < 2**31:
        return b'J' + struct.pack('<i', value)
    size = value.bit_length() // 8 + 1
    return b'\x8a' + bytes([size]) + value.to_bytes(size, 'little', signed=True)


def tuple_of(*items):
    return MARK + b''.join(items) + TUPLE


def integers(values):
    return tuple_of(*map(integer, values)) if not isinstance(values, bytes) else values


def call(module, attribute, *arguments):
    return name(module, attribute) + tuple_of(*arguments) + REDUCE


def ordered_dict():
    return name('collections', 'OrderedDict') + EMPTY_TUPLE + REDUCE


def storage_id(key='0', numel=6, cls='FloatStorage', location='cpu', module='torch', view=None):
    items = [text('storage'), name(module, cls), text(key) if isinstance(key, str) else key, text(location), integer(numel)]
    return tuple_of(*items, *([view] if view is not None else []))


def storage(*args, **kwargs):
    return storage_id(*args, **kwargs) + BINPERSID


def tensor(shape=(2, 3), strides=(3, 1), offset=0, held=None):
    return call('torch._utils', '_rebuild_tensor_v2', held or storage(), integer(offset), integers(shape), integers(strides),
                b'\x89', ordered_dict())


def dict_of(**items):
    return b'}' + MARK + b''.join(text(k) + v for k, v in items.items()) + b'u'


def pickle(value):
    return PROTO + value + STOP


class Entry:
    """One record. Whatever is None follows from the others, as a right archive has it."""

    def __init__(self, record, data=b'', method=0, flags=0x800, local_flags=None, local_name=None, local_extra=b'', extra=b'',
                 crc=None, local_crc=None, size=None, compressed=None, local_size=None, offset=None, descriptor=b'',
                 local_method=None, before=b'', raw=None, signature=b'PK\3\4', local_lengths=None):
        self.__dict__.update({k: v for k, v in locals().items() if k != 'self'})
        if raw is None:
            self.raw = data
            if method == 8:
                packer = zlib.compressobj(9, zlib.DEFLATED, -15)
                self.raw = packer.compress(data) + packer.flush()

    def given(self, wanted, otherwise):
        return otherwise if wanted is None else wanted


def zip_bytes(entries, comment=b'', zip64_tail=False, before=b'', after=b'', count=None, gap=b'', directory_offset=None,
              directory_size=None):
    out, directory = bytearray(before), bytearray()
    for e in entries:
        out += e.before
        start = len(out)
        record = e.record if isinstance(e.record, bytes) else e.record.encode()
        local_name = e.given(e.local_name, record)
        crc = e.given(e.crc, zlib.crc32(e.data))
        size, compressed = e.given(e.size, len(e.data)), e.given(e.compressed, len(e.raw))
        names = e.given(e.local_lengths, (len(local_name), len(e.local_extra)))
        out += e.signature + struct.pack('<HHHHHIIIHH', 20, e.given(e.local_flags, e.flags), e.given(e.local_method, e.method), 0, 0,
                                         e.given(e.local_crc, crc), e.given(e.local_size, compressed), e.given(e.local_size, size), *names)
        out += local_name + e.local_extra + e.raw + e.descriptor
        directory += b'PK\1\2' + struct.pack('<HHHHHHIIIHHHHHII', 20, 20, e.flags, e.method, 0, 0, crc, compressed, size, len(record),
                                             len(e.extra), 0, 0, 0, 0, e.given(e.offset, start) & 0xFFFFFFFF) + record + e.extra
    out += gap
    at = len(out) if directory_offset is None else directory_offset
    many = len(entries) if count is None else count
    length = len(directory) if directory_size is None else directory_size
    out += directory
    if zip64_tail:
        end = len(out)
        out += b'PK\6\6' + struct.pack('<QHHIIQQQQ', 44, 45, 45, 0, 0, many, many, length, at)
        out += b'PK\6\7' + struct.pack('<IQI', 0, end if zip64_tail is True else zip64_tail, 1)
    out += b'PK\5\6' + struct.pack('<HHHHIIH', 0, 0, min(many, 0xFFFF), min(many, 0xFFFF), length & 0xFFFFFFFF, at & 0xFFFFFFFF, len(comment)) + comment
    return bytes(out + after)


FLOATS = struct.pack('<6f', 1, 2, 3, 4, 5, 6)


def torch_entries(root_value=None, storages=None, **records):
    """The records of an archive of one (2, 3) tensor `w`, or of another value."""
    pkl = records.pop('pkl', None) or pickle(root_value or dict_of(w=tensor()))
    entries = [Entry('archive/data.pkl', pkl)]
    entries += [Entry('archive/data/' + key, data) for key, data in (storages if storages is not None else {'0': FLOATS}).items()]
    for record, data in {'version': b'3\n', **records}.items():
        if data is not None:
            entries.append(Entry('archive/' + record, data))
    return entries


def torch_zip(root_value=None, storages=None, **records):
    return zip_bytes(torch_entries(root_value, storages, **records))
