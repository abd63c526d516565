"""The files that everybody works on. Random bytes: the kernel shares the page of zeros, which would be no load at all."""
import json
import struct
import zipfile


def name_of(number):
    return 'model.layers.%d.block%d.weight' % (number // 10, number % 10)


def make(torch, save_file, stem, shape, count, nbytes):
    """`flat`: a dict of `count` tensors of `nbytes` in all, in both formats; `pt`: the same as .pt alone; `tiny`:
    with short names. `training`: model and Adam's state, nested, as a loop saves them."""
    generator = torch.Generator().manual_seed(count)
    each = max(nbytes // count // 8 * 2, 1)

    def values():
        return torch.empty((each + 1) // 2, dtype=torch.int64).random_(generator=generator).view(torch.float32)[:each].clone()

    if shape in ('flat', 'pt', 'tiny'):
        state = {'layer.%d.w' % number if shape == 'tiny' else name_of(number): values() for number in range(count)}
        torch.save(state, stem + '.pt')
        if shape == 'flat':
            save_file(state, stem + '.safetensors')
    else:
        model = {name_of(number): values() for number in range(count)}
        moments = {number: {'step': torch.tensor(100.0), 'exp_avg': values(), 'exp_avg_sq': values()} for number in range(count)}
        group = {'lr': 1e-3, 'betas': (0.9, 0.999), 'params': list(range(count))}
        torch.save({'epoch': 3, 'model': model, 'optimizer': {'state': moments, 'param_groups': [group]}}, stem + '.pt')
    return {}


def metadata(path):
    """Ranges (offset, size) of what must be read to know the tensors: the pickle and the archive's directory, or the header."""
    with open(path, 'rb') as file:
        if path.endswith('.safetensors'):
            return [(0, 8 + struct.unpack('<Q', file.read(8))[0])]
        with zipfile.ZipFile(file) as archive:
            pickle = next(entry for entry in archive.infolist() if entry.filename.endswith('data.pkl'))
            directory = archive.start_dir
        size = file.seek(0, 2)
        return [(data_offset(file, pickle), pickle.file_size), (directory, size - directory)]


def data_offset(file, entry):
    file.seek(entry.header_offset)
    header = file.read(30)
    name, extra = struct.unpack('<HH', header[26:30])
    return entry.header_offset + 30 + name + extra


def record(path, number):
    """Where the bytes of storage `number` lie in a .pt file: (offset, size)."""
    with open(path, 'rb') as file, zipfile.ZipFile(file) as archive:
        entry = next(entry for entry in archive.infolist() if entry.filename.endswith('/data/%d' % number))
        return data_offset(file, entry), entry.file_size


def make_hole(path, nbytes):
    """A safetensors file of one tensor that is all hole."""
    header = json.dumps({'a': {'dtype': 'F32', 'shape': [nbytes // 4], 'data_offsets': [0, nbytes]}}).encode()
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(header)) + header)
        file.truncate(8 + len(header) + nbytes)
