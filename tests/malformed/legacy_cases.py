"""Class L: the pickle streams of PyTorch before 1.6, and the tar files of 0.1."""
import io
import struct
import tarfile

from cases import Case
from torch_bytes import (FLOATS, PROTO, STOP, dict_of, integer, name, pickle, storage, storage_id, tensor, text, torch_zip, tuple_of)

MAGIC = bytes.fromhex('80028a0a6cfc9c46f9206aa850192e')
VERSION = pickle(b'M\xe9\x03')
SYSTEM = pickle(dict_of(protocol_version=b'M\xe9\x03', little_endian=b'\x88', type_sizes=dict_of(short=b'K\2', int=b'K\4', long=b'K\4')))
CALL = name('os', 'system') + tuple_of(text('true')) + b'R'


def keys_of(*keys):
    return pickle(b']' + b'(' + b''.join(text(k) for k in keys) + b'e')


def legacy_tensor(view=b'N', numel=6, **kwargs):
    return tensor(held=storage(numel=numel, view=view, **kwargs))


def stream(magic=MAGIC, version=VERSION, system=SYSTEM, value=None, keys=('0',), numel=struct.pack('<q', 6), data=FLOATS):
    main = pickle(value if value is not None else dict_of(w=legacy_tensor()))
    return magic + version + system + main + (keys if isinstance(keys, bytes) else keys_of(*keys)) + numel + data


def make_streams():
    yield Case('L00-whole', stream(), {0}, verify={0}, convert={0})
    yield Case('L01-call-in-the-magic', stream(magic=pickle(CALL)), {0, 3, 5}, convert={3, 5})
    yield Case('L01-call-in-the-version', stream(version=pickle(CALL)), {3})
    yield Case('L01-call-in-the-system-info', stream(system=pickle(CALL)), {0, 3}, convert={3})
    yield Case('L01-call-in-the-object', stream(value=dict_of(w=legacy_tensor(), x=CALL)), {0}, convert={3})
    yield Case('L01-call-in-the-keys', stream(keys=pickle(CALL)), {3})
    yield Case('L01-magic-is-a-float', stream(magic=pickle(b'G' + struct.pack('>d', 1.2e23))), {0, 3, 5})
    yield Case('L01-magic-big-endian', stream(magic=MAGIC[:4] + MAGIC[4:14][::-1] + b'.'), {0, 3, 5})
    for what, value in (('1000', b'M\xe8\x03'), ('1002', b'M\xea\x03'), ('text', text('1001'))):
        yield Case(f'L01-version-{what}', stream(version=pickle(value)), {3})
    for what, numel in (('one-more', 7), ('one-less', 5), ('0', 0), ('negative', -1), ('2^62', 1 << 62)):
        yield Case(f'L02-count-{what}', stream(numel=struct.pack('<q', numel)), {3})
    yield Case('L02-short-by-one', stream(data=FLOATS[:-1]), {3}, says='')
    yield Case('L02-key-repeated', stream(keys=('0', '0')), {3})
    yield Case('L02-key-missing', stream(keys=()), {3})
    yield Case('L02-key-of-nothing', stream(keys=('0', '1'), data=FLOATS + struct.pack('<q', 0)), {0, 3})
    yield Case('L02-keys-are-no-list', stream(keys=pickle(b'N')), {3})
    yield Case('L02-numel-2^61', stream(value=dict_of(w=legacy_tensor(numel=1 << 61))), {3})
    for what, view, right in (('inside', tuple_of(text('v'), integer(0), integer(6)), {0}), ('past-the-root', tuple_of(text('v'), integer(1), integer(6)), {3}),
                              ('negative', tuple_of(text('v'), integer(-1), integer(6)), {3}), ('key-of-the-root', tuple_of(text('0'), integer(0), integer(6)), {0, 3}),
                              ('overflow', tuple_of(text('v'), integer((1 << 63) - 1), integer(6)), {3}), ('of-two', tuple_of(text('v'), integer(0)), {3})):
        yield Case(f'L03-view-{what}', stream(value=dict_of(w=legacy_tensor(view=view))), right)
    source = tuple_of(text('module'), name('my.model', 'Net'), text('model.py'), text('import os\n')) + b'Q'
    yield Case('L05-source-text', stream(value=dict_of(w=legacy_tensor(), c=source)), {0}, convert={0, 3, 5})
    whole = stream()
    for size in sorted({1, 14, 15, 20, 21, 50, len(whole) - 33, len(whole) - 25, len(whole) - 24, len(whole) - 1}):
        yield Case(f'L-cut-at-{size}', whole[:size], {3, 5})


def tar_of(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.PAX_FORMAT) as tar:
        for member, data in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            info.size = len(data) if info.type == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def tar_members(**changed):
    storages = pickle(b'K\1') + pickle(tuple_of(b'K\1', text('cpu'), name('torch', 'FloatStorage'))) + struct.pack('<q', 6) + FLOATS + pickle(b']')
    tensors = (pickle(b'K\1') + pickle(tuple_of(b'K\2', b'K\1', name('torch', 'FloatTensor'))) + struct.pack('<i', 2) + bytes(4) +
               struct.pack('<qqqqq', 2, 3, 3, 1, 0))
    members = {'sys_info': pickle(dict_of(protocol_version=b'M\xe8\x03', little_endian=b'\x88', type_sizes=b'}')),
               'pickle': pickle(dict_of(w=text('2') + b'Q')), 'tensors': tensors, 'storages': storages}
    members.update(changed)
    return [(k, v) for k, v in members.items() if v is not None]


def make_tars():
    yield Case('L04-whole', tar_of(tar_members()), {0}, verify={0}, convert={0})
    for kind in ('SYMTYPE', 'LNKTYPE', 'CHRTYPE', 'BLKTYPE', 'FIFOTYPE', 'DIRTYPE'):
        info = tarfile.TarInfo('storages')
        info.type, info.linkname = getattr(tarfile, kind), '/etc/passwd'
        members = [(info, b'') if m == 'storages' else (m, data) for m, data in tar_members()]
        yield Case(f'L04-storages-are-{kind}', tar_of(members), {3, 5})
    whole = tar_members()
    yield Case('L04-member-twice', tar_of(whole + [('pickle', whole[1][1])]), {0, 3})
    yield Case('L04-no-tensors', tar_of(tar_members(tensors=None)), {3, 5})
    yield Case('L04-storages-cut', tar_of(tar_members(storages=dict(whole)['storages'][:40])), {3})
    tensors = bytearray(dict(whole)['tensors'])
    tensors[-8:] = struct.pack('<q', 1)
    yield Case('L04-tensor-past-its-storage', tar_of(tar_members(tensors=bytes(tensors))), {3})
    yield Case('L04-size-of-2^63', tar_of(whole).replace(b'00000000', b'77777777', 1), {0, 3, 5})


def make():
    yield from make_streams()
    yield from make_tars()
