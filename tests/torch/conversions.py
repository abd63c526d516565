"""`sconce convert` of every file: to today's zip, to the legacy stream, and to safetensors and back."""
import concurrent.futures
import subprocess

from reading import index

UNSUPPORTED = 5


def convert(sconce, source, target, to):
    return subprocess.run([sconce, "convert", str(source), str(target), "--to", to, "--force", "--no-sync"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Source:
    """A file that one version wrote, with the file of the same case in the other container as what is to be seen."""

    def __init__(self, work, version, entry, twins):
        self.version, self.entry, self.folder = version, entry, work / version
        self.path = self.folder / entry["file"]
        self.twins = twins      # container -> entry, of the same case and the default protocol

    def may_be_refused(self, container):
        """What no release reads in the legacy stream is not written there (untyped storages with a dtype of their own)."""
        twin = self.twins.get(container)
        return container == "legacy" and (twin is None or not twin["opens"])


def sources(versions, work):
    for version in versions:
        entries = [entry for entry in index(work, version) if entry["write"]]
        for entry in entries:
            twins = {other["container"]: other for other in entries if other["case"] == entry["case"] and other["protocol"] == 2}
            yield Source(work, version, entry, twins)


def targets(source):
    yield "zip", "pytorch-zip", ".to-zip.pt"
    yield "legacy", "pytorch-legacy", ".to-legacy.pt"
    if source.entry["safetensors"]:
        yield "safetensors", "safetensors", ".safetensors"


def convert_all(sconce, versions, work, table):
    """The files that were written: {"source", "container", "path"}."""
    folder = work / "written"
    folder.mkdir(exist_ok=True)

    def one(source):
        found = []
        for container, to, suffix in targets(source):
            path = folder / ("%s-%s%s" % (source.version, source.entry["file"], suffix))
            found.append((source, container, path, convert(sconce, source.path, path, to)))
            if container == "safetensors" and path.exists():
                back = path.with_name(path.name + ".back.pt")
                found.append((source, "zip", back, convert(sconce, path, back, "pytorch-zip")))
        return found

    written = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for results in pool.map(one, sources(versions, work)):
            for source, container, path, result in results:
                outcome, why = judge(source, container, result)
                table.add(source.entry["case"], source.version, "c", outcome, why, "converting %s of torch %s to %s" % (
                    source.entry["file"], source.version, path.name.split(source.entry["file"])[1]))
                if result.returncode == 0:
                    written.append({"source": source, "container": container, "path": path})
    return written


def judge(source, container, result):
    told = result.stderr.decode("utf-8", "replace").strip()
    refused = result.returncode == UNSUPPORTED and source.may_be_refused(container)
    if result.returncode == 0 or refused:
        return "passed", None
    return "failed", "exit code %d: %s" % (result.returncode, told[-240:])
