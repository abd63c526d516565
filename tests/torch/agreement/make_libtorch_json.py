#!/usr/bin/env python3
"""make_libtorch_json.py VERSION=PROGRAM...: writes libtorch.json: which fixtures and odd files each libtorch opens, as a
program built from pickle_load.cc says."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import odd_files  # noqa: E402

SUFFIXES = (".pt", ".pkl", ".npy", ".npz", ".safetensors", ".ckpt")


def main():
    opens = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        shutil.copytree(HERE.parent.parent / "fixtures", folder / "fixtures")
        (folder / "odd").mkdir()
        for name, data in odd_files.FILES.items():
            (folder / "odd" / (name + ".pt")).write_bytes(data)
        files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in SUFFIXES)
        for argument in sys.argv[1:]:
            version, program = argument.split("=", 1)
            done = subprocess.run([str(pathlib.Path(program).resolve()), *files], cwd=folder, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, check=True)
            answers = [json.loads(line) for line in done.stdout.splitlines()]
            opens[version] = [answer["file"] for answer in answers if not answer["message"]]
    with open(HERE / "libtorch.json", "w") as out:
        json.dump({"files": files, "opens": opens}, out, indent=0, separators=(",", ":"))
        out.write("\n")


if __name__ == "__main__":
    main()
