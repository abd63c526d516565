"""What `sconce inspect --json --hash` says of a file, compared with its manifest."""
import ast
import concurrent.futures
import json
import subprocess

FIELDS = ("name", "dtype", "shape", "stride", "storage_offset", "device", "nbytes", "sha256", "layout")


def inspect(sconce, path):
    result = subprocess.run([sconce, "inspect", str(path), "--json", "--hash"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode != 0:
        raise AssertionError("exit code %d: %s" % (result.returncode, result.stderr.decode("utf-8", "replace").strip()[-200:]))
    return json.loads(result.stdout)


def is_loose(name, manifest):
    return any(place == name or name.startswith(place + ".") for place in manifest["loose"])


def compare_tensors(manifest, listing):
    named = {tensor["name"] for tensor in manifest["tensors"]}
    found = [tensor for tensor in listing["tensors"] if tensor["name"] in named or not is_loose(tensor["name"], manifest)]
    names, expected_names = [t["name"] for t in found], [t["name"] for t in manifest["tensors"]]
    if names != expected_names:
        odd = [name for name in names + expected_names if names.count(name) != expected_names.count(name)]
        raise AssertionError("the list of tensors differs, first at %r" % (odd[0] if odd else "the order"))
    ours_of, theirs_of = {}, {}
    for expected, got in zip(manifest["tensors"], found):
        for field in FIELDS:
            if field not in expected or (field == "layout" and field not in got):
                continue
            assert got[field] == expected[field], "%s of %r is %s, not %s" % (
                field, expected["name"], got[field], expected[field])
        if "storage" in expected:
            theirs, ours = expected["storage"], got["storage"]
            assert ours_of.setdefault(theirs, ours) == ours, "%r does not share its storage" % expected["name"]
            assert theirs_of.setdefault(ours, theirs) == theirs, "%r shares a storage" % expected["name"]


def compare_within(manifest, listing):
    for place, hashes in manifest["within"].items():
        inside = {t["sha256"] for t in listing["tensors"] if t["name"] == place or t["name"].startswith(place + ".")}
        assert set(hashes) <= inside, "a part of %r is missing" % place


def compare_values(manifest, listing):
    found = {(v["name"], v["type"], json.dumps(v["value"])) for v in listing["values"]}
    names = {v["name"]: v for v in listing["values"]}
    for value in manifest["values"]:
        if (value["name"], value["type"], json.dumps(value["value"])) in found or is_loose(value["name"], manifest):
            continue
        other = names.get(value["name"])
        assert same_number(value, other) or same_text(value, other), "the value %r is %s, not %s" % (
            value["name"], other and "%s %s" % (other["type"], str(other["value"])[:60]),
            "%s %s" % (value["type"], str(value["value"])[:60]))


def same_text(value, other):
    """Bytes as Python writes them; of many, `inspect` says only how many."""
    if not other or value["type"] != other["type"] or value["type"] not in ("bytes", "bytearray", "complex"):
        return False
    counted = value["type"] != "complex" and len(value["value"]) > 1000 and "%d bytes" % len(ast.literal_eval(value["value"]))
    return other["value"] == counted or value["value"].strip("()") == other["value"].strip("()")


def same_number(value, other):
    numbers = ("float", "scalar", "int")
    return other and value["type"] == other["type"] and value["type"] in numbers and value["value"] == other["value"]


def read_one(sconce, folder, entry):
    manifest = json.loads((folder / entry["manifest"]).read_text())
    listing = inspect(sconce, folder / entry["file"])
    compare_tensors(manifest, listing)
    compare_within(manifest, listing)
    compare_values(manifest, listing)


def read_all(sconce, versions, work, table):
    def attempt(job):
        version, entry = job
        try:
            read_one(sconce, work / version, entry)
        except Exception as error:
            return "failed", "%s: %s" % (type(error).__name__, error)
        return "passed", None

    jobs = [(version, entry) for version in versions for entry in index(work, version)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for (version, entry), (outcome, why) in zip(jobs, pool.map(attempt, jobs)):
            table.add(entry["case"], version, "r", outcome, why, "reading %s of torch %s" % (entry["file"], version))


def index(work, version):
    return json.loads((work / version / "index.json").read_text())["files"]
