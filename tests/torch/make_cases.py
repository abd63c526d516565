#!/usr/bin/env python3
"""make_cases.py FOLDER [--small]: writes the cases of cases.py as this PyTorch saves them, zip and legacy, every pickle
protocol that is asked for, and a manifest of what is in each, described by this same PyTorch. FOLDER/index.json lists the
files and their manifests (files with the same content share one).

--small: the subset that is committed as tests/fixtures/torch-VERSION.
"""
import argparse
import io
import json
import os
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import torch  # noqa: E402

import cases  # noqa: E402
import special_cases  # noqa: E402
from describe import describe, torch_version  # noqa: E402


def load(data):
    options = {"weights_only": False} if torch_version() >= (1, 13) else {}
    return torch.load(io.BytesIO(data), **options)


class Maker:
    def __init__(self, folder, small):
        self.folder, self.small, self.index, self.manifests = folder, small, [], {}

    def add(self, name, data, facts, device=None, value=None, several=False):
        """Writes a file and its manifest: of what this PyTorch loads from it, or of `value` where it cannot."""
        opens = True
        try:
            loaded = several if several else load(data)
        except Exception as error:  # a release that cannot read its own file is itself a fact
            opens, loaded = False, value
            facts = dict(facts, own_error="%s: %s" % (type(error).__name__, str(error).split("\n")[0][:120]))
        manifest = json.dumps(describe(loaded, device), separators=(",", ":"))
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(data)
        if manifest not in self.manifests:
            self.manifests[manifest] = name + ".json"
            with open(os.path.join(self.folder, name + ".json"), "w") as file:
                file.write(manifest + "\n")
        self.index.append(dict(facts, file=name, manifest=self.manifests[manifest], opens=opens))

    def save(self, case, value, container, protocol):
        buffer = io.BytesIO()
        torch.save(value, buffer, pickle_protocol=protocol, _use_new_zipfile_serialization=container == "zip")
        suffix = "" if protocol == 2 else ".p%d" % protocol
        facts = {"case": case["name"], "container": container, "protocol": protocol, "write": True,
                 "safetensors": case["safetensors"]}
        self.add("%s.%s%s.pt" % (case["name"], container, suffix), buffer.getvalue(), facts, value=value)

    def case(self, case):
        value = case["build"]()
        for container in ("zip", "legacy"):
            for protocol in case[container]:
                if self.small and protocol not in (2, max(case[container])):
                    continue
                try:
                    self.save(case, value, container, protocol)
                except Exception as error:  # what a release cannot save is no case of that release
                    print("not made: %s %s protocol %d: %s" % (case["name"], container, protocol, str(error)[:90]))

    def run(self):
        for case in cases.CASES:
            if not self.small or case["fixture"]:
                self.case(case)
        special_cases.add_all(self)
        with open(os.path.join(self.folder, "index.json"), "w") as file:
            json.dump({"torch": torch.__version__, "files": self.index}, file, indent=0, separators=(",", ":"))


def main():
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    torch.set_num_threads(1)
    maker = Maker(options.folder, options.small)
    maker.run()
    print("torch %s: %d files" % (torch.__version__, len(maker.index)), flush=True)
    os._exit(0)   # Debian's 2.14 aborts in its own destructors after everything is done


if __name__ == "__main__":
    main()
