"""The programs that take part: ours are built where they are missing; each lives in one process for as long as a run."""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = os.environ.get('PYTHON', sys.executable)
OWN = ROOT / 'build' / 'bench' / 'bench'  # the programs, where nobody says otherwise
THREADS = len(os.sched_getaffinity(0))


class BenchError(Exception):
    """Something without which nothing can be measured."""


def build(folder):
    """The benchmark's own programs, in a build folder of their own; what is there is brought up to date."""
    names = ('sconce_bench', 'bench_limits', 'bench_kernels', 'libbench_touch.so')
    configure = ['cmake', '--preset', 'release', '-B', str(folder), '-DSCONCE_BUILD_BENCHMARKS=ON', '-DSCONCE_BUILD_EXAMPLES=OFF']
    compile_ = ['cmake', '--build', str(folder), '--target', 'sconce_bench', 'bench_limits', 'bench_kernels', 'sconce_command']
    for command in (compile_,) if (folder / 'build.ninja').exists() else (configure, compile_):
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise BenchError('%s failed:\n%s' % (' '.join(command), done.stdout))
    for name in names:
        if not (folder / 'bench' / name).exists():
            raise BenchError('%s was not built' % name)


class Peer:
    """A process that answers one command a line."""

    def __init__(self, who, command):
        self.who = who
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        words = [str(word) for word in words]
        if any('\t' in word or '\n' in word for word in words):
            raise BenchError('no tabs in paths, please')
        try:
            self.process.stdin.write('\t'.join(words) + '\n')
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ''
        if not line:
            raise BenchError('%s ended at %s' % (self.who, ' '.join(words)))
        answer = json.loads(line)
        if 'error' in answer:
            raise BenchError('%s: %s: %s' % (self.who, ' '.join(words), answer['error']))
        return answer

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Programs:
    """All that take part. `state` knows and changes caches and memory; `launcher` starts whole processes, and is small."""

    def __init__(self, sconce, folder):
        if folder == OWN:
            build(folder.parent)
        self.sconce_command = str(sconce if sconce else folder.parent / 'sconce')
        self.folder = folder
        self.started = {}

    def peer(self, who):
        if who not in self.started:
            program = {'sconce': 'sconce_bench', 'kernels': 'bench_kernels'}.get(who, 'bench_limits')
            command = [str(self.folder / program)]
            if who in ('maker', 'torch', 'safetensors', 'zipfile'):
                command = [PYTHON, str(pathlib.Path(__file__).with_name('worker.py')), who,
                           str(self.folder / 'libbench_touch.so'), str(THREADS)]
            self.started[who] = Peer(who, command)
        return self.started[who]

    def drop(self, who):
        self.started.pop(who).stop()

    def stop(self):
        for who in list(self.started):
            self.drop(who)


def peers_missing():
    """Which of the peers' packages this Python lacks."""
    look = 'import importlib.util as u; print(*[n for n in ("torch", "safetensors") if u.find_spec(n) is None])'
    return subprocess.run([PYTHON, '-c', look], capture_output=True, text=True, check=True).stdout.split()
