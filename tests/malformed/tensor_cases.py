"""Class M: what a tensor's rebuild call says of itself, wrong in every place in turn."""
import struct

from cases import Case
from torch_bytes import (EMPTY_TUPLE, FLOATS, REDUCE, Entry, call, dict_of, integer, name, ordered_dict, storage, storage_id, tensor, text,
                         torch_entries, torch_zip, tuple_of, zip_bytes)

NUMBERS = {'-1': -1, '2^31': 1 << 31, '2^32': 1 << 32, '2^62': 1 << 62, '2^63-1': (1 << 63) - 1, '2^64': 1 << 64,
           'a-float': b'G' + struct.pack('>d', 2.0), 'a-text': text('2')}


def one(value, codes, label, **kwargs):
    return Case(label, torch_zip(value, **kwargs), codes, convert=codes if codes == {3} else None)


def numbers():
    for what, number in NUMBERS.items():
        yield one(dict_of(w=tensor(shape=(number, 3))), {3}, f'M01-size-{what}')
        yield one(dict_of(w=tensor(strides=(number, 1))), {3}, f'M01-stride-{what}')
        yield one(dict_of(w=tensor(offset=number)), {3}, f'M01-offset-{what}')
        yield one(dict_of(w=tensor(held=storage(numel=number))), {3}, f'M01-numel-{what}')
    yield one(dict_of(w=tensor(shape=(0, 3))), {0}, 'M01-size-0')
    yield one(dict_of(w=tensor(strides=(0, 1))), {0}, 'M01-stride-0')
    yield one(dict_of(w=tensor(offset=1)), {3}, 'M01-offset-1')
    yield one(dict_of(w=tensor(shape=(2, 4), strides=(4, 1))), {3}, 'M01-one-more-column')
    yield one(dict_of(w=tensor(shape=b'N')), {3}, 'M01-no-shape')


def overflows():
    for what, shape, strides in (('product', (1 << 32, 1 << 32), (1 << 32, 1)), ('bytes', (1 << 61, 4), (4, 1)),
                                 ('stride-sum', (2, 2), ((1 << 63) - 1, (1 << 63) - 1)), ('wraps-to-small', (1 << 33, 1 << 31), (0, 0)),
                                 ('hidden-by-a-zero', (1 << 40, 1 << 40, 0), (0, 0, 0))):
        yield one(dict_of(w=tensor(shape=shape, strides=strides)), {3}, f'M02-{what}')


def counts():
    for what, numel in (('one-more', 7), ('one-less', 5), ('half', 3), ('double', 12), ('2^40', 1 << 40)):
        yield one(dict_of(w=tensor(held=storage(numel=numel))), {3}, f'M03-{what}')
    yield one(dict_of(w=tensor(held=storage(key='7'))), {3}, 'M03-no-such-record')


def helpers():
    plain, hooks, false = tensor(), ordered_dict(), b'\x89'
    layout = lambda kind: call('torch.serialization', '_get_layout', text('torch.' + kind))
    indices = lambda values, shape: tensor(shape=shape, strides=(shape[-1], 1) if len(shape) == 2 else (1,), held=storage('1', len(values), 'LongStorage'))
    quantised = {'0': bytes(6), '1': bytes(16)}
    q = lambda *quantizer: call('torch._utils', '_rebuild_qtensor', storage('0', 6, 'QInt8Storage'), integer(0), tuple_of(integer(2), integer(3)),
                                tuple_of(integer(3), integer(1)), tuple_of(*quantizer), false, hooks)
    scheme = lambda which: name('torch', which)
    bad = {
        'v1-three-arguments': call('torch._utils', '_rebuild_tensor', storage(), integer(0), tuple_of(integer(6))),
        'v2-four-arguments': call('torch._utils', '_rebuild_tensor_v2', storage(), integer(0), tuple_of(integer(6)), tuple_of(integer(1))),
        'v2-no-storage': call('torch._utils', '_rebuild_tensor_v2', text('0'), integer(0), tuple_of(), tuple_of(), false, hooks),
        'v3-no-dtype': call('torch._utils', '_rebuild_tensor_v3', storage('0', 24, 'UntypedStorage', module='torch.storage'), integer(0), tuple_of(integer(6)),
                            tuple_of(integer(1)), false, hooks, text('float32')),
        'v3-past-the-end': call('torch._utils', '_rebuild_tensor_v3', storage('0', 24, 'UntypedStorage', module='torch.storage'), integer(0), tuple_of(integer(7)),
                                tuple_of(integer(1)), false, hooks, name('torch', 'float32')),
        'parameter-of-nothing': call('torch._utils', '_rebuild_parameter', b'N', false, hooks),
        'meta-negative': call('torch._utils', '_rebuild_meta_tensor_no_storage', name('torch', 'float32'), tuple_of(integer(-1)), tuple_of(integer(1)), false),
        'qtensor-of-floats': call('torch._utils', '_rebuild_qtensor', storage(), integer(0), tuple_of(integer(6)), tuple_of(integer(1)),
                                  tuple_of(scheme('per_tensor_affine'), b'G' + struct.pack('>d', 1), integer(0)), false, hooks),
        'coo-of-texts': call('torch._utils', '_rebuild_sparse_tensor', layout('sparse_coo'), tuple_of(text('i'), plain, tuple_of(integer(4)))),
        'coo-unknown-layout': call('torch._utils', '_rebuild_sparse_tensor', layout('sparse_xyz'), tuple_of(plain, plain, tuple_of(integer(4)))),
        'nested-of-texts': call('torch._utils', '_rebuild_nested_tensor', text('a'), plain, plain, plain),
        'wrapper-negative': call('torch._utils', '_rebuild_wrapper_subclass', name('torch', 'Tensor'), name('torch', 'float32'), tuple_of(integer(-1)),
                                 tuple_of(integer(1)), integer(0), layout('strided'), call('torch', 'device', text('cpu')), false),
    }
    for what, value in bad.items():
        yield one(dict_of(w=value), {3}, f'M04-{what}')
    channel = q(scheme('per_channel_affine'), tensor((2,), (1,), held=storage('1', 2, 'DoubleStorage')), tensor((2,), (1,), held=storage('1', 2, 'DoubleStorage')), integer(9))
    yield one(dict_of(w=channel), {3}, 'M04-qtensor-axis-9', storages=quantised)
    coo = lambda index: call('torch._utils', '_rebuild_sparse_tensor', layout('sparse_coo'),
                             tuple_of(indices([index], (1, 1)), tensor((1,), (1,)), call('torch', 'Size', tuple_of(integer(4)))))
    for what, index in (('-1', -1), ('size', 4), ('2^62', 1 << 62)):
        yield Case(f'M05-index-{what}', torch_zip(dict_of(w=coo(index)), {'0': FLOATS, '1': struct.pack('<q', index)}), {0, 3}, verify={1, 3})
    yield Case('M05-index-inside', torch_zip(dict_of(w=coo(3)), {'0': FLOATS, '1': struct.pack('<q', 3)}), {0}, verify={0})
    csr = lambda: call('torch._utils', '_rebuild_sparse_tensor', layout('sparse_csr'),
                       tuple_of(tensor((3,), (1,), held=storage('1', 5, 'LongStorage')), tensor((2,), (1,), 3, held=storage('1', 5, 'LongStorage')),
                                tensor((2,), (1,)), call('torch', 'Size', tuple_of(integer(2), integer(4)))))
    for what, values, right in (('right', (0, 1, 2, 0, 3), {0}), ('falls', (0, 2, 1, 0, 3), {1, 3}), ('ends-elsewhere', (0, 1, 9, 0, 3), {1, 3}),
                                ('column-4', (0, 1, 2, 0, 4), {1, 3}), ('begins-at-1', (1, 1, 2, 0, 3), {1, 3})):
        yield Case(f'M05-csr-{what}', torch_zip(dict_of(w=csr()), {'0': FLOATS, '1': struct.pack('<5q', *values)}), {0, 3} if right != {0} else {0}, verify=right)


def contradictions():
    a = tensor()
    for what, b in (('class', tensor(held=storage(cls='IntStorage'))), ('size', tensor(held=storage(numel=12))), ('bytes-of-it', tensor((24,), (1,), held=storage(numel=24, cls='ByteStorage'))),
                    ('device', tensor(held=storage(location='cuda:0')))):
        yield one(dict_of(a=a, b=b), {3}, f'M06-other-{what}')
    yield one(dict_of(w=tensor((), ())), {0}, 'M07-0-dim')
    yield one(dict_of(w=tensor((0, 1 << 40), (1, 1))), {0}, 'M07-no-elements')
    yield Case('M07-2^60-elements-of-one', torch_zip(dict_of(w=tensor((1 << 30, 1 << 29), (0, 0)))), {0}, verify={0})
    yield one(dict_of(w=tensor((1,) * 64, (1,) * 64)), {0}, 'M08-64-dimensions')
    yield one(dict_of(w=tensor((1,) * 65, (1,) * 65)), {3}, 'M08-65-dimensions')
    yield one(dict_of(w=tensor((2, 3), (1,))), {3}, 'M08-fewer-strides')
    yield one(dict_of(w=tensor((2,), (1, 1))), {3}, 'M08-more-strides')
    yield one(dict_of(w=tensor(held=storage(cls='StringStorage'))), {0, 3}, 'M09-unknown-storage-class')
    for what, key in (('slash', 'a/b'), ('dot-dot', '../0'), ('64-KiB', 'k' * 65000), ('escape', '\x1b[31m')):
        yield one(dict_of(w=tensor(held=storage(key=key))), {3}, f'M10-key-{what}')
    yield one(dict_of(w=tensor(held=storage(key=integer(0)))), {0, 3}, 'M10-key-an-integer')


def persistent_ids():
    for what, id_ in (('a-text', text('storage')), ('empty-tuple', EMPTY_TUPLE), ('other-tag', tuple_of(text('file'), text('/etc/passwd'))),
                      ('nested', tuple_of(tuple_of(text('storage')))), ('three-items', tuple_of(text('storage'), name('torch', 'FloatStorage'), text('0'))),
                      ('six-items', storage_id(view=b'N')), ('class-a-text', tuple_of(text('storage'), text('FloatStorage'), text('0'), text('cpu'), integer(6)))):
        yield one(dict_of(w=id_ + b'Q'), {3}, f'P12-{what}')


def programs():
    shell = name('os', 'system') + tuple_of(text('true')) + REDUCE
    yield Case('P01-call-in-the-state', torch_zip(dict_of(w=tensor(), x=shell)), {0}, convert={3}, says='')
    yield Case('P07-call-whose-result-is-dropped', torch_zip(shell + b'0' + dict_of(w=tensor())), {0}, convert={3})
    yield Case('P08-import-only', torch_zip(dict_of(w=tensor(), x=name('os', 'system'))), {0}, convert={3})
    unknown = name('my.module', 'Thing') + EMPTY_TUPLE + b'\x81' + dict_of(lr=integer(3)) + b'b'
    yield Case('P31-unknown-class', torch_zip(dict_of(w=tensor(), x=unknown)), {0}, convert={0})
    deep = b']' * 1_000_000 + b'a' * 999_999
    yield Case('D06-a-million-lists', torch_zip(dict_of(w=tensor(), x=deep)), {0, 3}, verify={0, 3}, convert={0, 3}, memory_mib=256)
    tuples = b')' + b'\x85' * 1_000_000
    yield Case('D06-a-million-tuples', torch_zip(dict_of(w=tensor(), x=tuples)), {0, 3}, verify={0, 3}, convert={0, 3}, memory_mib=256)
    double = b']' + b''.join(b'q' + bytes([n]) + b'0](h' + bytes([n]) + b'h' + bytes([n]) + b'e' for n in range(60))
    yield Case('D04-doubling-lists', torch_zip(dict_of(w=tensor(), x=double)), {0, 3}, convert={0, 3}, memory_mib=512)
    yield Case('D01-memo-index-2^32-1', torch_zip(dict_of(w=tensor(), x=b'Nr\xff\xff\xff\xff')), {0})
    yield Case('D02-bytes-of-2^63', torch_zip(pkl=b'\x80\x05\x8e' + struct.pack('<Q', 1 << 63) + b'.'), {3})
    yield Case('D02-text-of-2^31', torch_zip(pkl=b'\x80\x02X' + struct.pack('<I', 1 << 31) + b'.'), {3})
    yield Case('D05-a-million-marks', torch_zip(pkl=b'\x80\x02' + b'(' * 1_000_000 + b'N.'), {0, 3})
    yield Case('D08-list-in-itself', torch_zip(dict_of(w=tensor(), x=b']q\0h\0a')), {0}, convert={0})
    for what, pkl in (('no-stop', b'\x80\x02N'), ('empty', b''), ('unknown-opcode', b'\x80\x02\xff.'), ('no-mark', b'\x80\x02t.'), ('empty-stack', b'\x80\x02.'),
                      ('protocol-6', b'\x80\x06N.'), ('memo-not-there', b'\x80\x02h\x09.'), ('bad-utf8', b'\x80\x02X\2\0\0\0\xff\xff.')):
        yield Case(f'P-{what}', zip_bytes([Entry('archive/data.pkl', pkl), *torch_entries()[1:]]), {3, 5} if what == 'protocol-6' else {3})


def make():
    for group in (numbers, overflows, counts, helpers, contradictions, persistent_ids, programs):
        yield from group()
