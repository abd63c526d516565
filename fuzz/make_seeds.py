#!/usr/bin/env python3
"""fuzz/make_seeds.py: writes the seeds of fuzz/corpus/<target>/ anew. Needs torch (2.7 or later), numpy and safetensors.

Small files on purpose: one of each construct, so that a mutation changes something that means something.
"""
import argparse
import collections
import io
import pathlib
import pickle
import struct
import tarfile
import zipfile

import numpy
import torch
from safetensors.torch import save as safetensors_bytes

CORPUS = pathlib.Path(__file__).parent / 'corpus'


def write(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def saved(value, **options):
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


def trees():
    base = torch.arange(6, dtype=torch.float32)
    state = collections.OrderedDict(weight=base.view(2, 3), tied=base[2:5], bias=torch.zeros(0))
    state._metadata = collections.OrderedDict({'': {'version': 1}})
    rare = {'half': torch.ones(2, dtype=torch.bfloat16), 'f8': torch.ones(2).to(torch.float8_e4m3fn),
            'u16': torch.ones(2, dtype=torch.int32).to(torch.uint16), 'conj': torch.ones(2, dtype=torch.complex64).conj(),
            'meta': torch.empty(2, device='meta'), 'parameter': torch.nn.Parameter(base[:2])}
    quantized = torch.quantize_per_tensor(base, 0.1, 3, torch.quint8)
    channels = torch.quantize_per_channel(base.view(2, 3), torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8)
    sparse = {'coo': torch.eye(2).to_sparse(), 'csr': torch.eye(2).to_sparse_csr()}
    run = {'epoch': 3, 'big': 1 << 70, 'lr': 0.1, 'nan': float('nan'), 'none': None, 'text': 'caf\u00e9', 'bytes': b'\0\xff',
           'tuple': (1, (2,)), 'set': {1}, 'list': [True, False], 7: 'int key', 'size': torch.Size([2]), 'dtype': torch.int8,
           'device': torch.device('cuda', 1), 'numpy': numpy.arange(3), 'scalar': numpy.float64(0.5), 'range': range(3),
           'namespace': __import__('argparse').Namespace(lr=1), 'default': collections.defaultdict(int, a=1)}
    return {'state_dict': state, 'rare': rare, 'quantized': [quantized, channels], 'sparse': sparse, 'run': run}


def torch_seeds():
    for name, tree in trees().items():
        data = saved(tree)
        write('zip', name + '.pt', data)
        write('file', name + '.pt', data)
        write('round_trip', name + '.pt', data)
        legacy = saved(tree, _use_new_zipfile_serialization=False)
        write('legacy', name + '.pth', legacy)
        write('file', name + '.pth', legacy)
    write('legacy', 'protocol_0.pth', saved(trees()['state_dict'], _use_new_zipfile_serialization=False, pickle_protocol=0))
    write('legacy', 'protocol_4.pth', saved(trees()['run'], _use_new_zipfile_serialization=False, pickle_protocol=4))


def zip_seeds():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, 'w') as archive:
        archive.comment = b'a comment'
        archive.writestr('archive/version', '3\n')
        archive.writestr('archive/data.pkl', pickle.dumps({'a': 1}, protocol=2), compress_type=zipfile.ZIP_DEFLATED)
    write('zip', 'deflated.zip', stream.getvalue())
    write('file', 'deflated.zip', stream.getvalue())


def pickle_seeds():
    values = trees()['run']
    for protocol in range(6):
        plain = {key: value for key, value in values.items() if key not in ('dtype', 'device', 'size')}
        write('pickle', f'protocol_{protocol}.pkl', pickle.dumps(plain, protocol=protocol))
    cycle = []
    cycle.append(cycle)
    write('pickle', 'cycle.pkl', pickle.dumps(cycle))
    write('pickle', 'tensor.pkl', pickle.dumps(torch.ones(2)))
    write('file', 'tensor.pkl', pickle.dumps(torch.ones(2)))
    write('round_trip', 'numpy.pkl', pickle.dumps({'a': numpy.eye(2), 'b': numpy.float32(1)}, protocol=4))


def training_seeds():
    """A small run: what training_state() takes apart."""
    net = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    run = {'epoch': 1, 'model': net.state_dict(), 'optimizer': optimizer.state_dict(), 'lr_scheduler': scheduler.state_dict(),
           'args': argparse.Namespace(lr=0.1, sizes=[1, 2])}
    write('legacy', 'training.pth', saved(run, _use_new_zipfile_serialization=False))
    state = {'state': {0: {'step': 1}}, 'param_groups': [{'lr': 0.1, 'betas': (0.9, 0.99), 'params': [0, 1]}]}
    write('pickle', 'optimizer.pkl', pickle.dumps({'optimizer': state, 'cfg': {'a': {'b': 1}}, 'best_acc': 0.5}, protocol=2))


def tar_seeds():
    """The tar of PyTorch 0.1: three members, each with counts and pickles; no released PyTorch writes it any more."""
    def member(archive, name, data):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))

    storages = pickle.dumps(1, protocol=2) + pickle.dumps((1, 'cpu', torch.FloatStorage), protocol=2)
    storages += struct.pack('<q', 2) + struct.pack('<2f', 1, 2) + pickle.dumps([], protocol=2)
    tensors = pickle.dumps(1, protocol=2) + pickle.dumps((2, 1, torch.FloatTensor), protocol=2)
    tensors += struct.pack('<iiqqq', 1, 0, 2, 1, 0)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode='w', format=tarfile.PAX_FORMAT) as archive:
        member(archive, 'sys_info', pickle.dumps({'protocol_version': 1000, 'little_endian': True}, protocol=2))
        member(archive, 'storages', storages)
        member(archive, 'tensors', tensors)
        member(archive, 'pickle', b"\x80\x02}X\x01\x00\x00\x00aX\x01\x00\x00\x002Qs.")
    write('tar', 'one_tensor.tar', stream.getvalue())
    write('file', 'one_tensor.tar', stream.getvalue())


def other_seeds():
    tensors = {'a': torch.ones(2, 2), 'b': torch.ones(1, dtype=torch.bfloat16), 'empty': torch.zeros(0), 'scalar': torch.tensor(1)}
    for target in ('safetensors', 'file', 'round_trip'):
        write(target, 'plain.safetensors', safetensors_bytes(tensors))
        write(target, 'metadata.safetensors', safetensors_bytes(tensors, metadata={'format': 'pt', 'k': '\u00e9"\\'}))
    arrays = {'c_order': numpy.arange(6, dtype='<f4').reshape(2, 3), 'fortran': numpy.asfortranarray(numpy.eye(3)),
              'big_endian': numpy.arange(3, dtype='>i2'), 'scalar': numpy.float64(1), 'bools': numpy.array([True])}
    for name, array in arrays.items():
        stream = io.BytesIO()
        numpy.save(stream, array)
        write('npy', name + '.npy', stream.getvalue())
    stream = io.BytesIO()
    numpy.savez(stream, a=numpy.eye(2))
    write('file', 'one.npz', stream.getvalue())


if __name__ == '__main__':
    torch_seeds()
    zip_seeds()
    pickle_seeds()
    training_seeds()
    tar_seeds()
    other_seeds()
    print(sum(1 for path in CORPUS.rglob('*') if path.is_file()), 'seeds')
