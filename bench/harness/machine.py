"""The machine in words."""
import datetime
import os
import platform
import re
import subprocess

from harness.programs import PYTHON, THREADS


def first(path, pattern):
    try:
        with open(path) as file:
            found = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        return None
    return found and found.group(1)


def said(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return ''
    return done.stdout.strip() if done.returncode == 0 else ''


def file_system(folder):
    """Of the mount that holds a folder."""
    best, kind = '', 'unknown'
    with open('/proc/mounts') as file:
        for line in file:
            _, point, found = line.split()[:3]
            inside = os.path.realpath(folder).startswith(point.rstrip('/') + '/') or point == '/'
            if inside and len(point) > len(best):
                best, kind = point, found
    return kind


def describe(context):
    versions = said(PYTHON, '-c', 'import torch, safetensors; print(torch.__version__, safetensors.__version__)').split()
    found = context.programs.peer('sconce').ask('devices')
    devices = ['%s (%s)' % (name, words) for name, words in sorted(found.items()) if isinstance(words, str)]
    memory = int(first('/proc/meminfo', r'^MemTotal:\s+(\d+)') or 0)
    virtual = ', virtual machine' if re.search(r'\bhypervisor\b', first('/proc/cpuinfo', r'^flags\s*:(.*)$') or '') else ''
    pages = first('/sys/kernel/mm/transparent_hugepage/enabled', r'\[(\w+)\]')
    return {
        'date': datetime.date.today().isoformat(),
        'machine': '%d cores of %s%s, %.0f GiB, %s, Linux %s, huge pages %s' % (
            THREADS, first('/proc/cpuinfo', r'^model name\s*:\s*(.*)$') or platform.machine(), virtual, memory / 2**20,
            file_system(context.folder), platform.release().split('-')[0], pages or 'unknown'),
        'devices': '; '.join(devices) or 'none beside the CPU',
        'versions': '%s; release build of %s; Python %s, PyTorch %s, safetensors %s' % (
            said(context.sconce, '--version').splitlines()[0] if said(context.sconce, '--version') else 'sconce',
            (said('c++', '--version').splitlines() or ['c++'])[0], platform.python_version(), *(versions or ['?', '?'])),
    }
