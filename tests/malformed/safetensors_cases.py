"""Class S: safetensors files that the reference implementation refuses, and a few that it takes."""
import json
import struct

from cases import Case


def whole(header, data=b'', length=None):
    raw = header if isinstance(header, bytes) else json.dumps(header, separators=(',', ':')).encode()
    return struct.pack('<Q', len(raw) if length is None else length) + raw + data


def f32(shape, begin, end, dtype='F32'):
    return {'dtype': dtype, 'shape': shape, 'data_offsets': [begin, end]}


def case(label, data, codes={3}, **kwargs):
    return Case(label, data, set(codes), suffix='.safetensors', **kwargs)


PLAIN = {'a': f32([2], 0, 8), 'b': f32([1], 8, 12)}
DATA = struct.pack('<3f', 1, 2, 3)


def lengths():
    plain = whole(PLAIN, DATA)
    yield case('S01-plain', plain, {0}, verify={0}, convert={0})
    for what, length in (('0', 0), ('1', 1), ('7', 7), ('file-less-8', len(plain) - 8), ('file-less-7', len(plain) - 7), ('100000001', 100_000_001),
                         ('2^63', 1 << 63), ('2^64-1', (1 << 64) - 1)):
        yield case(f'S01-length-{what}', whole(PLAIN, DATA, length), {3, 5})
    for size in (7, 8, 9, 40, len(plain) - 1):
        yield case(f'S01-cut-at-{size}', plain[:size], {3, 5})


def ranges():
    for what, b, data in (('identical', f32([2], 0, 8), DATA[:8]), ('overlap-by-1', f32([1], 7, 11), DATA), ('gap-of-1', f32([1], 9, 13), DATA + b'x'),
                          ('reversed', f32([1], 12, 8), DATA), ('negative', f32([1], -4, 0), DATA), ('past-the-end', f32([2], 8, 16), DATA)):
        yield case(f'S02-{what}', whole({**PLAIN, 'b': b}, data))
    yield case('S02-trailing-byte', whole(PLAIN, DATA + b'x'))
    yield case('S02-missing-2-bytes', whole(PLAIN, DATA[:-2]))
    yield case('S02-not-in-order', whole({'b': PLAIN['b'], 'a': PLAIN['a']}, DATA), {0}, verify={0})
    yield case('S02-first-begins-at-4', whole({'a': f32([2], 4, 12)}, DATA))


def names():
    twice = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    yield case('S03-name-twice', whole(twice, DATA[:4]))
    yield case('S03-name-twice-other-content', whole(twice.replace(b'[0,4]}}', b'[4,8]}}'), DATA[:8]))
    yield case('S03-metadata-key-twice', whole(b'{"__metadata__":{"k":"1","k":"2"}}'))
    yield case('S03-metadata-of-numbers', whole({'__metadata__': {'k': 1}}))
    yield case('S03-metadata-as-a-tensor', whole({'__metadata__': f32([1], 0, 4)}, DATA[:4]))
    yield case('S03-unknown-member', whole({'a': {**PLAIN['a'], 'extra': 1}, 'b': PLAIN['b']}, DATA), {0, 3})
    for member in ('dtype', 'shape', 'data_offsets'):
        short = {k: v for k, v in PLAIN['a'].items() if k != member}
        yield case(f'S03-no-{member}', whole({**PLAIN, 'a': short}, DATA))


def shapes():
    for what, shape, end in (('overflow', [1 << 40, 1 << 40], 8), ('overflow-with-zero', [1 << 63, 4, 0], 0), ('one-byte-off', [2], 7), ('negative', [-2], 8), ('2^64', [1 << 64], 8)):
        yield case(f'S04-{what}', whole({'a': f32(shape, 0, end)}, DATA[:max(end, 0)]))
    for dtype in ('F33', 'f32', '', 'FLOAT'):
        yield case(f'S04-dtype-{dtype or "empty"}', whole({'a': f32([2], 0, 8, dtype)}, DATA[:8]))
    yield case('S04-half-a-byte', whole({'a': f32([3], 0, 2, 'F4')}, b'xx'))


def json_texts():
    body = json.dumps(PLAIN, separators=(',', ':')).encode()
    spelled = {'BOM': b'\xef\xbb\xbf' + body, 'leading-blank': b' ' + body, 'trailing-comma': body[:-1] + b',}', 'comment': body[:-1] + b'/**/}',
               'single-quotes': body.replace(b'"', b"'"), 'text-behind': body + b'x', 'an-array': b'[' + body + b']', 'no-end': body[:-1],
               'exponent': body.replace(b'[0,8]', b'[0,8e0]'), 'fraction': body.replace(b'[0,8]', b'[0.0,8]'), 'minus-zero': body.replace(b'[0,8]', b'[-0,8]'),
               '1E400': body.replace(b'[0,8]', b'[0,1E400]'), 'lone-surrogate': body.replace(b'"a"', b'"\\ud800"'), 'bad-utf8': body.replace(b'"a"', b'"\xff"'),
               'control-character': body.replace(b'"a"', b'"\n"'), 'deep': b'{"a":' + b'[' * 1_000_000 + b']' * 1_000_000 + b'}'}
    for what, text in spelled.items():
        yield case(f'S05-{what}', whole(text, DATA), {3, 5} if what in ('BOM', 'leading-blank', 'an-array', 'single-quotes') else {3})
    yield case('S05-trailing-blanks', whole(body + b'   ', DATA), {0}, verify={0})
    yield case('S05-nul-escape', whole(body.replace(b'"a"', b'"\\u0000"'), DATA), {0}, verify={0})
    yield case('S05-surrogate-pair', whole(body.replace(b'"a"', b'"\\ud83d\\ude00"'), DATA), {0}, verify={0})
    many = b'{' + b','.join(b'"t%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % n for n in range(100_000)) + b'}'
    yield case('S05-100000-empty-tensors', whole(many), {0}, memory_mib=64)


def make():
    for group in (lengths, ranges, names, shapes, json_texts):
        yield from group()
