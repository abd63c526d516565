"""The long form: every part, its results and its figures."""
import json
import subprocess
import sys
import time

from harness import commands, devices, loads, saves
from harness.measure import Result

# name, title, what measures it, its figures
PARTS = (
    ('load_hot', 'Loading into memory of one’s own, from the page cache', loads.load_hot, loads.load_hot_figures),
    ('load_cold', 'Loading from the disk', loads.load_cold, loads.load_cold_figures),
    ('load_process', 'Loading, the command as a whole process', loads.load_process, loads.load_process_figures),
    ('open_lazy', 'Opening lazily: every tensor by name, with dtype and shape', loads.open_lazy, loads.open_lazy_figures),
    ('one_tensor', 'One tensor', loads.one_tensor, loads.one_tensor_figures),
    ('save', 'Saving `.pt`, checksums included', saves.save, saves.save_figures),
    ('save_async', 'Saving behind the caller’s back', saves.save_async, saves.save_async_figures),
    ('convert', 'Converting, the command as a whole process', commands.convert, commands.convert_figures),
    ('verify', 'Checksums', commands.verify, commands.verify_figures),
    ('inspect', 'Inspecting, the command as a whole process', commands.inspect, commands.inspect_figures),
    ('casts', 'Casts in memory', devices.casts, devices.casts_figures),
    ('opencl', 'An OpenCL device (PoCL)', devices.opencl, devices.opencl_figures),
    ('cuda', 'A discrete GPU', devices.cuda, devices.cuda_figures),
)


def has_command(context, name):
    """Whether the command that is measured has this subcommand."""
    done = subprocess.run([context.sconce, name, '--help'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


def run(context, only):
    """Results by name, of all parts or of those that are named."""
    results = {}
    for name, title, work, _ in PARTS:
        if only and name not in only:
            continue
        if name == 'load_process' and not has_command(context, 'load'):
            continue
        begun = time.monotonic()
        results.update(work(context))
        print('%-14s %5.1f s' % (name, time.monotonic() - begun), file=sys.stderr, flush=True)
    return results


def write_json(results, facts, path):
    plain = {'facts': facts, 'results': {name: vars(result) for name, result in results.items()}}
    path.write_text(json.dumps(plain, indent=1, sort_keys=True) + '\n')


def read_json(path):
    """What an earlier run of other parts has left."""
    plain = json.loads(path.read_text())
    return {name: Result(**fields) for name, fields in plain['results'].items()}
