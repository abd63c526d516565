"""What every PyTorch, and the safetensors package, see in the files that Sconce wrote."""
import concurrent.futures
import json

CRASH = "torch crashed"
HIDING = ("parts_of_large", "empties")   # cases with bytes that no tensor shows: safetensors does not keep them


def job_of(item, work):
    """Paths are relative to the folder of the work, which is another one inside of a lab."""
    source, container = item["source"], item["container"]
    modes = ["plain", "weights_only"] + (["mmap"] if container == "zip" else [])
    job = {"ours": str(item["path"].relative_to(work)), "modes": modes}
    folder = source.folder.relative_to(work)
    manifest = str(folder / source.entry["manifest"])
    if source.entry["case"] in ("big_endian", "bare"):
        # Releases before 2.1 take the bytes of a big-endian file as they are; torch.load opens no bare pickle.
        return dict(job, manifest=manifest)
    if source.entry["case"] == "sparse_csr" and source.version == "1.13":
        # In the form of 1.13, which 2.0 and later refuse; it is written in theirs, so that today's PyTorch opens it.
        return dict(job, manifest=manifest, since=[2, 0])
    if item["path"].name.endswith(".back.pt") and source.entry["case"] in HIDING:
        job["ignore"] = ["storage_offset"]
    same = source.entry if source.entry["container"] == container else source.twins.get(container)
    return dict(job, original=str(folder / (same or source.entry)["file"]))


def run_jobs(version, work, jobs):
    """Results of check_written.py as (job, mode, outcome, why); where torch crashes, it goes on behind the crash."""
    name = version.name
    (work / ("jobs-%s.json" % name)).write_text(json.dumps(jobs))
    results, first = work / ("results-%s.json" % name), 0
    while True:
        results.write_text("")
        run = version.run(work, "check_written.py", "jobs-%s.json" % name, results.name, str(first))
        lines = [json.loads(line) for line in results.read_text().splitlines()]
        yield from ((line["job"], line["mode"], line["outcome"], line["why"]) for line in lines if "outcome" in line)
        if lines and "done" in lines[-1]:
            return
        if not lines or "begins" not in lines[-1]:
            raise RuntimeError("torch %s: check_written.py: %s" % (name, run.stderr[-500:]))
        last = lines[-1]
        yield last["job"], last["mode"], "failed" if last["begins"] == "ours" else "not opened", CRASH
        first = last["job"] + 1


def open_written(written, versions, work, table):
    written = [item for item in written if item["container"] != "safetensors"]
    jobs = [job_of(item, work) for item in written]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for version, results in zip(versions, pool.map(lambda v: list(run_jobs(v, work, jobs)), versions.values())):
            for at, mode, outcome, why in results:
                source = written[at]["source"]
                what = "torch %s opens %s (%s)" % (version, written[at]["path"].name, mode)
                if outcome == "not opened":
                    # Its own file it must open, or the comparison would prove nothing.
                    own = source.version == version and mode == "plain" and source.entry["opens"] and "original" in jobs[at]
                    if not own or not jobs[at]["original"].endswith(source.entry["file"]):
                        continue
                    outcome, why = "failed", "it does not open its own file"
                table.add(source.entry["case"], version, "w", outcome, why, what)


def open_safetensors(written, versions, work, table):
    """With the newest Python here that has the package."""
    written = [item for item in written if item["container"] == "safetensors"]
    able = [v for v in versions.values() if not v.lab and v.safetensors not in ("none", "unknown")]
    if not able:
        table.skip("safetensors: no Python here has torch and the safetensors package")
        return
    jobs = [{"ours": str(item["path"].relative_to(work)),
             "manifest": str((item["source"].folder / item["source"].entry["manifest"]).relative_to(work))} for item in written]
    (work / "jobs-safetensors.json").write_text(json.dumps(jobs))
    run = able[-1].run(work, "check_safetensors.py", "jobs-safetensors.json", "results-safetensors.json")
    lines = (work / "results-safetensors.json").read_text().splitlines() if run.returncode == 0 else []
    if len(lines) != 3 * len(jobs):
        raise RuntimeError("check_safetensors.py: %s" % run.stderr[-500:])
    for line in map(json.loads, lines):
        item = written[line["job"]]
        what = "the safetensors package opens %s (%s)" % (item["path"].name, line["mode"])
        table.add(item["source"].entry["case"], able[-1].name, "w", line["outcome"], line["why"], what)
