"""The PyTorch releases that are on this machine."""
import os
import pathlib
import re
import shutil
import subprocess

WANTED = {
    "1.7": "no lab of that age here",
    "1.13": "no Python here has it (Debian 12: apt-get install python3-torch)",
    "2.6": "no lab of that age here",
    "2.13": "no Python here has it (pip install torch==2.13.0 numpy safetensors, a CPU build)",
    "2.14": "no lab of that age here",
}
ASK = ("import sys, torch, numpy\n"
       "try: import safetensors; extra = safetensors.__version__\n"
       "except ImportError: extra = 'none'\n"
       "print('FOUND', torch.__version__, sys.version.split()[0], numpy.__version__, extra)")


class Version:
    """One PyTorch, and how to run a script with it: `script` and paths are relative to `folder`."""

    def __init__(self, answer, command=None, lab=None):
        self.torch, self.python, self.numpy, self.safetensors = answer
        self.name = ".".join(re.match(r"(\d+)\.(\d+)", self.torch).groups())
        self.command, self.lab = command, lab

    def run(self, folder, script, *arguments):
        if self.lab:
            command = [self.lab, "run", self.name, str(folder), script, *arguments]
        else:
            command = [self.command, "-W", "ignore", script, *arguments]
        return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)

    def __str__(self):
        where = "torch-lab" if self.lab else self.command
        return "torch %s (Python %s, numpy %s, safetensors %s) by %s" % (
            self.torch, self.python, self.numpy, self.safetensors, where)


def ask(python):
    try:
        answer = subprocess.run([python, "-W", "ignore", "-c", ASK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                universal_newlines=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"FOUND (\S+) (\S+) (\S+) (\S+)", answer.stdout)
    return found.groups() if found else None


def lab_versions(lab):
    """What `torch-lab list` says: 'AGE: torch VERSION python VERSION numpy VERSION'. It needs root."""
    if not os.access(lab, os.X_OK) or os.geteuid() != 0:
        return
    listing = subprocess.run([lab, "list"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
    for line in listing.stdout.splitlines():
        found = re.match(r"\S+: torch (\S+) python (\S+) numpy (\S+)", line)
        if found:
            yield Version(found.groups() + ("unknown",), lab=str(lab))


def find_versions(pythons):
    """By name. `pythons` come first, then SCONCE_TEST_PYTHONS, Debian's, the one in PATH, then the labs."""
    found = {}
    pythons = [*pythons, *filter(None, os.environ.get("SCONCE_TEST_PYTHONS", "").split(os.pathsep))]
    for python in [*pythons, "/usr/bin/python3", shutil.which("python3")]:
        answer = ask(python) if python else None
        if answer:
            found.setdefault(Version(answer, python).name, Version(answer, python))
    source = pathlib.Path(__file__).resolve().parent.parent.parent
    lab = os.environ.get("SCONCE_TORCH_LAB", str(source.parent / "shared" / "tools" / "torch-lab"))
    for version in lab_versions(lab):
        found.setdefault(version.name, version)
    return dict(sorted(found.items(), key=lambda item: [int(part) for part in item[0].split(".")]))
