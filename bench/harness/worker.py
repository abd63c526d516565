"""worker.py PEER TOUCH THREADS: what others do, in one process that lives as long as a run.

A command a line, words parted by tabs; one line of JSON for each: seconds, and the most memory that was resident during
it, beyond what was before. TOUCH is the shared library that looks at a byte of every page, the same one for every peer.
"""
import array
import ctypes
import gc
import json
import os
import sys
import time
import zipfile

PEER, TOUCH, THREADS = sys.argv[1], sys.argv[2], int(sys.argv[3])
if PEER != 'zipfile':
    import torch
    torch.set_num_threads(THREADS)
    import safetensors
    import safetensors.torch

LOOK = ctypes.CDLL(TOUCH).bench_touch
LOOK.restype = ctypes.c_uint64
LOOK.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64]
LIBC = ctypes.CDLL(None)
HELD = {}


def tensors_of(value):
    """The tensors of a tree, without recursion beyond its containers."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_of(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_of(item)


def touch(value):
    if isinstance(value, dict) and all(isinstance(item, torch.Tensor) for item in value.values()):
        tensors = value.values()
    else:
        tensors = list(tensors_of(value))
    addresses = array.array('Q', [tensor.data_ptr() for tensor in tensors])
    sizes = array.array('Q', [tensor.nbytes for tensor in tensors])
    LOOK(addresses.buffer_info()[0], sizes.buffer_info()[0], len(sizes))


def timed(work):
    """Seconds of `work`; what it gives back is dropped after the clock has stopped."""
    begun = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - begun
    del result
    return {'seconds': seconds}


def load(path, device='cpu'):
    def work():
        if PEER == 'safetensors':
            loaded = {name: tensor.clone() for name, tensor in safetensors.torch.load_file(path).items()}
        else:
            loaded = torch.load(path, map_location=device)
        if device == 'cpu':
            touch(loaded)
        else:
            torch.cuda.synchronize()
        return loaded
    return timed(work)


def open_lazily(path):
    def work():
        opened = safetensors.torch.load_file(path) if PEER == 'safetensors' else torch.load(path, mmap=True)
        return opened, sum(tensor.numel() for tensor in opened.values())
    return timed(work)


def one(path, name):
    def work():
        if PEER == 'safetensors':
            with safetensors.safe_open(path, framework='pt') as file:
                tensor = file.get_tensor(name).clone()
        else:
            tensor = torch.load(path, mmap=True)[name].clone()
        touch({name: tensor})
        return tensor
    return timed(work)


def hold(path):
    HELD['state'] = torch.load(path)
    return {}


def drop():
    HELD.clear()
    return {}


def write(state, path):
    if PEER == 'safetensors' or path.endswith('.safetensors'):
        safetensors.torch.save_file(state, path)
    else:
        torch.save(state, path)


def save(path, how):
    def work():
        write(HELD['state'], path)
        if how == 'durable':
            with open(path, 'rb') as file:
                os.fsync(file.fileno())
    return timed(work)


def convert(source, target, how=''):
    def work():
        state = safetensors.torch.load_file(source) if source.endswith('.safetensors') else torch.load(source, mmap=how == 'mmap')
        write(state, target)
    return timed(work)


def verify(path):
    def work():
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                raise ValueError(path + ' is not whole')
    return timed(work)


def cast(source, target, count):
    """A cast of so many elements, as Tensor.to() does it."""
    values = torch.randn(int(count)).to(getattr(torch, source))
    return timed(lambda: values.to(getattr(torch, target)))


def has_cuda():
    return {'cuda': torch.cuda.is_available()}


def make(stem, shape, count, nbytes):
    """`stem`.pt and, of what is no tree, `stem`.safetensors: equal contents, random, the same in every run."""
    import files  # beside this file
    return files.make(torch, safetensors.torch.save_file, stem, shape, int(count), int(nbytes))


def status(name):
    with open('/proc/self/status') as file:
        for line in file:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


COMMANDS = {'load': load, 'open': open_lazily, 'one': one, 'hold': hold, 'drop': drop, 'save': save, 'convert': convert,
            'verify': verify, 'cast': cast, 'has_cuda': has_cuda, 'make': make}


def answer(words):
    gc.collect()
    LIBC.malloc_trim(0)  # memory of what came before goes back: everybody's is fresh
    with open('/proc/self/clear_refs', 'w') as file:
        file.write('5')
    before = status('VmRSS')
    result = COMMANDS[words[0]](*words[1:])
    result['peak'] = status('VmHWM') - before
    return result


gc.collect()
gc.freeze()  # the modules stay as they are: collections between commands need not look at them
for line in sys.stdin:
    try:
        reply = answer(line.rstrip('\n').split('\t'))
    except Exception as error:
        reply = {'error': '%s: %s' % (type(error).__name__, error)}
    print(json.dumps(reply), flush=True)
