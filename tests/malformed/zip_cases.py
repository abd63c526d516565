"""Class Z: zip archives that are damaged, contradict themselves, or are made to cost too much."""
import struct
import zlib

from cases import Case
from torch_bytes import FLOATS, Entry, dict_of, pickle, tensor, torch_entries, torch_zip, zip_bytes


def changed(position, **fields):
    """The plain archive with one record changed."""
    entries = torch_entries()
    for field, value in fields.items():
        setattr(entries[position], field, value)
    return zip_bytes(entries)


def checksums():
    wrong = zlib.crc32(FLOATS) ^ 1
    yield Case('Z01-crc-of-directory', changed(1, crc=wrong, local_crc=wrong ^ 1), {0}, verify={1}, convert={1, 3})
    yield Case('Z01-crc-of-both', changed(1, crc=wrong), {0}, verify={1}, convert={1, 3})
    yield Case('Z01-crc-of-local-header', changed(1, local_crc=wrong), {0}, verify={0, 1}, convert={0})
    yield Case('Z01-crc-not-recorded', zip_bytes([Entry(e.record, e.data, crc=0) for e in torch_entries()]), {0}, verify={0}, convert={0})
    flipped = bytearray(torch_zip())
    flipped[flipped.index(FLOATS)] ^= 0x40
    yield Case('Z01-one-bit-of-a-weight', bytes(flipped), {0}, verify={1}, convert={1, 3})


def names_and_flags():
    for what, local in (('same-length', b'archive/data/1'), ('shorter', b'archive/data/'), ('longer', b'archive/data/00'), ('empty', b'')):
        yield Case(f'Z02-local-name-{what}', changed(1, local_name=local), {0, 3}, verify={1, 3}, convert={3})
    for bit in (0, 5, 6, 13):
        yield Case(f'Z03-flag-{bit}-in-directory', changed(1, flags=0x800 | 1 << bit, local_flags=0x800), {0, 3, 5}, verify={1, 3, 5}, convert={3, 5})
        yield Case(f'Z03-flag-{bit}-in-local-header', changed(1, local_flags=0x800 | 1 << bit), {0, 3, 5}, verify={1, 3, 5}, convert={3, 5})
        yield Case(f'Z03-flag-{bit}-of-the-pickle', changed(0, flags=0x800 | 1 << bit), {3, 5})
    for what, decoy in (('unknown-method', Entry('archive/extra/x', b'x', method=99, raw=b'x')),
                        ('bad-signature', Entry('archive/extra/x', b'x', signature=b'PK\3\5')),
                        ('encrypted', Entry('archive/extra/x', b'x', flags=0x801))):
        yield Case(f'Z04-decoy-{what}', zip_bytes([decoy, *torch_entries()]), {0, 3, 5}, verify={1, 3, 5})
    yield Case('Z04-decoy-past-the-end', zip_bytes([Entry('archive/x', b'x', offset=1 << 30), *torch_entries()]), {3})
    yield Case('Z19-encrypted-storage', changed(1, flags=0x801), {0, 3, 5}, verify={1, 3, 5}, convert={3, 5})


def places():
    for what, lengths in (('one-more', (14, 1)), ('four-more', (14, 4)), ('to-the-end', (14, 0xFFFF)), ('name-one-less', (13, 0))):
        yield Case(f'Z08-local-extra-{what}', changed(1, local_lengths=lengths), {0, 3}, verify={1, 3}, convert={3})
    wide = struct.pack('<HHQQ', 1, 16, 24, 24)
    yield Case('Z08-zip64-in-local-header-only', changed(1, local_extra=wide), {0, 3}, verify={0, 1, 3})
    yield Case('Z08-zip64-contradicts', changed(1, extra=struct.pack('<HHQ', 1, 8, 99)), {0, 3}, verify={0, 1, 3})
    yield Case('Z08-zip64-cut', changed(1, size=0xFFFFFFFF, compressed=0xFFFFFFFF, extra=struct.pack('<HHQ', 1, 8, 24)), {3})
    yield Case('Z08-zip64-promised-not-there', changed(1, size=0xFFFFFFFF, compressed=0xFFFFFFFF), {3})
    yield Case('Z08-extra-field-runs-over', changed(1, extra=struct.pack('<HH', 1, 500) + b'x' * 8), {0, 3})
    yield Case('Z14-gap-between-records', changed(1, before=pickle(dict_of(w=tensor()))), {0}, verify={0, 1})
    yield Case('Z14-directory-over-data', zip_bytes(torch_entries(), directory_offset=40), {3})
    yield Case('Z14-gap-before-directory', zip_bytes(torch_entries(), gap=b'x' * 100), {0}, verify={0, 1})


def deflated():
    def with_raw(**fields):
        entry = Entry('archive/data/0', FLOATS, method=8)
        for field, value in fields.items():
            setattr(entry, field, value)
        entries = torch_entries()
        entries[1] = entry
        return zip_bytes(entries)
    whole = Entry('x', FLOATS, method=8).raw
    yield Case('Z09-deflated-storage', with_raw(), {0}, verify={0}, convert={0})
    yield Case('Z09-stream-cut', with_raw(raw=whole[:-3]), {0, 3}, verify={1, 3}, convert={3})
    yield Case('Z09-stream-with-bytes-behind', with_raw(raw=whole + b'xx'), {0, 3}, verify={1, 3}, convert={3})
    yield Case('Z09-stream-of-fewer-bytes', with_raw(raw=Entry('x', FLOATS[:-4], method=8).raw), {0, 3}, verify={1, 3}, convert={3})
    yield Case('Z09-stream-of-more-bytes', with_raw(raw=Entry('x', FLOATS * 2, method=8).raw), {0, 3}, verify={1, 3}, convert={3})
    yield Case('Z09-stream-of-nonsense', with_raw(raw=b'\xff' * 20), {0, 3}, verify={1, 3}, convert={3})
    entries = torch_entries()
    entries[0] = Entry('archive/data.pkl', entries[0].data, method=8)
    yield Case('Z09-deflated-pickle', zip_bytes(entries), {0}, verify={0}, convert={0})
    bomb = Entry('archive/data.pkl', pickle(b'B' + struct.pack('<I', 300 << 20) + bytes(300 << 20)), method=8)
    yield Case('Z16-pickle-inflates-to-300-MiB', zip_bytes([bomb, *torch_entries()[1:]]), {0, 3}, memory_mib=3000)
    lie = Entry('archive/data.pkl', bytes(1 << 20), method=8, size=0xFFFFFFFF, extra=struct.pack('<HHQ', 1, 8, 1 << 40))
    yield Case('Z16-pickle-promises-a-TiB', zip_bytes([lie, *torch_entries()[1:]]), {3})


def descriptors():
    def described(signature, *numbers):
        bytes_ = (b'PK\7\x08' if signature else b'') + struct.pack('<III', *numbers)
        return changed(1, flags=0x808, descriptor=bytes_, local_crc=0, local_size=0)
    crc = zlib.crc32(FLOATS)
    yield Case('Z11-with-signature', described(True, crc, 24, 24), {0}, verify={0}, convert={0})
    yield Case('Z11-without-signature', described(False, crc, 24, 24), {0}, verify={0}, convert={0})
    yield Case('Z11-wrong-size', described(True, crc, 23, 24), {0}, verify={1})
    yield Case('Z11-wrong-crc', described(True, crc ^ 1, 24, 24), {0}, verify={1})
    yield Case('Z11-descriptor-inside-data', torch_zip(storages={'0': b'PK\7\x08' + struct.pack('<III', 0, 4, 4) + bytes(8)}), {0}, verify={0})


def ends():
    whole = torch_zip()
    yield Case('Z12-two-archives', torch_zip() + torch_zip(), {0, 3})
    yield Case('Z12-archive-in-the-comment', zip_bytes(torch_entries(), comment=torch_zip()), {0, 3})
    yield Case('Z12-comment-longer-than-the-file', whole[:-2] + b'\x10\0', {0, 3})
    yield Case('Z12-end-record-in-a-name', zip_bytes([*torch_entries(), Entry(b'archive/PK\5\6' + bytes(18), b'')]), {0, 3})
    yield Case('Z12-count-too-small', zip_bytes(torch_entries(), count=2), {3})
    yield Case('Z12-count-too-large', zip_bytes(torch_entries(), count=4), {3})
    yield Case('Z12-count-of-65535', zip_bytes(torch_entries(), count=65535), {3})
    yield Case('Z12-zip64-end', zip_bytes(torch_entries(), zip64_tail=True), {0}, verify={0})
    yield Case('Z12-zip64-locator-elsewhere', zip_bytes(torch_entries(), zip64_tail=7), {0, 3})
    yield Case('Z12-zip64-count-of-2^60', zip_bytes(torch_entries(), zip64_tail=True, count=1 << 60), {3})
    for what, prefix in (('one-byte', b'x'), ('a-pickle', pickle(b'N')), ('an-ELF-header', b'\x7fELF' + bytes(60)), ('64-KiB', bytes(65536))):
        yield Case(f'Z13-{what}-before', zip_bytes(torch_entries(), before=prefix), {0, 3, 5})
        yield Case(f'Z13-{what}-before-offsets-not-moved', prefix + whole, {0, 3, 5})
    yield Case('Z13-bytes-behind', whole + b'\n' * 100, {0}, verify={0, 1})
    for size in (0, 1, 3, 4, 21, 22, 30, 100, len(whole) // 2, len(whole) - 22, len(whole) - 1):
        yield Case(f'Z-cut-at-{size}', whole[:size], {3, 5})
    yield Case('Z-empty-archive', b'PK\5\6' + bytes(18), {3, 5})


def bombs():
    for count in (2, 100, 65000):
        shared = [Entry(f'archive/data/{n}', b'', offset=0) for n in range(count)]
        yield Case(f'Z15-{count}-entries-over-the-same-bytes', zip_bytes([*torch_entries(), *shared]), {3})
    inner = Entry('archive/data/9', FLOATS)
    quoted = zip_bytes([*torch_entries(), Entry('archive/data/8', zip_bytes([inner])), Entry('archive/data/9', FLOATS, offset=150)])
    yield Case('Z15-entry-inside-an-entry', quoted, {3})
    empty = [Entry(f'archive/e{n}', b'') for n in range(100_000)]
    yield Case('Z16-100000-empty-entries', zip_bytes([*torch_entries(), *empty], zip64_tail=True), {0, 3})
    yield Case('Z16-name-of-65535-bytes', zip_bytes([*torch_entries(), Entry('archive/' + 'n' * 65527, b'x')]), {0, 3})


def names():
    for what, record in (('dot-dot', 'archive/../../evil'), ('absolute', 'archive//etc/passwd'), ('drive', 'archive/C:\\x'),
                         ('newline', 'archive/a\nb'), ('escape', 'archive/\x1b[31mred'), ('not-utf8', b'archive/\xff\xfe'), ('nul', b'archive/a\0b')):
        yield Case(f'Z17-{what}', zip_bytes([*torch_entries(), Entry(record, b'x')]), {0, 3}, verify={0, 1, 3})
    key = Entry('archive/data/\x1b]0;title\x07', FLOATS)
    yield Case('Z17-escape-in-a-storage-key', zip_bytes([*torch_entries(), key]), {0, 3})
    moved = [Entry(e.record.replace('archive/', '', 1), e.data) for e in torch_entries()]
    yield Case('Z18-no-folder', zip_bytes(moved), {3, 5})
    yield Case('Z18-second-folder', zip_bytes([*torch_entries(), Entry('__MACOSX/x', b'x')]), {0, 3}, convert={0, 3})
    yield Case('Z18-only-a-version', zip_bytes([Entry('archive/version', b'3\n')]), {3, 5})
    for what, data in (('0', b'0\n'), ('10^30', b'1' + b'0' * 30), ('text', b'three\n'), ('empty', b''), ('11', b'11\n'), ('none', None)):
        yield Case(f'Z18-version-{what}', torch_zip(version=data), {3}, says='version')
    yield Case('Z18-both-versions', torch_zip(**{'.data/version': b'3\n'}), {0}, verify={0, 1})
    for what, data in (('empty', b''), ('LITTLE', b'LITTLE'), ('newline', b'little\n'), ('1-MiB', b'l' * (1 << 20))):
        yield Case(f'Z21-byteorder-{what}', torch_zip(byteorder=data), {3}, says='byteorder')
    yield Case('Z21-byteorder-big', torch_zip(byteorder=b'big'), {0}, verify={0}, convert={0})


def wrapped():
    magics = {'7z': b'7z\xbc\xaf\x27\x1c', 'gzip': b'\x1f\x8b\x08', 'xz': b'\xfd7zXZ\0', 'zstd': b'\x28\xb5\x2f\xfd', 'rar': b'Rar!\x1a\x07\x01\0',
              'bzip2': b'BZh91AY&SY'}
    for what, magic in magics.items():
        for suffix in ('.pt', '.bin', '.safetensors'):
            yield Case(f'Z22-{what}{suffix.replace(".", "-")}', magic + torch_zip(), {5}, suffix=suffix)


def make():
    for group in (checksums, names_and_flags, places, deflated, descriptors, ends, bombs, names, wrapped):
        yield from group()
