"""The command as a whole process: convert, verify, inspect; and the kernel of checksums."""
from harness import files
from harness.figures import at_least, at_most, size_of, speed_text, time_of, versus
from harness.measure import Case, Member, Result, measure
from harness.programs import PYTHON

MIB = 1 << 20
TO_SAFETENSORS = 'import sys, torch; from safetensors.torch import save_file; save_file(torch.load(sys.argv[1]), sys.argv[2])'
TO_SAFETENSORS_MMAP = TO_SAFETENSORS.replace('sys.argv[1])', 'sys.argv[1], mmap=True)')
TO_PT = 'import sys, torch; from safetensors.torch import load_file; torch.save(load_file(sys.argv[1]), sys.argv[2])'
INSPECT = 'import sys, torch; [print(n, t.dtype, tuple(t.shape)) for n, t in torch.load(sys.argv[1], mmap=True).items()]'


def convert(context):
    pt, st = context.file('large'), context.file('large', '.safetensors')
    out, back, copy = context.path('out.safetensors'), context.path('out.pt'), context.path('out.copy')

    def copied(source):
        return context.process('copy', 'sh', '-c', 'cp "$0" "$1" && sync "$1"', source, copy, clean=(copy,))

    forth = Case('convert_pt', [
        context.process('torch', PYTHON, '-c', TO_SAFETENSORS, pt, out, clean=(out,)),
        context.process('sconce', context.sconce, 'convert', pt, out, clean=(out,)),
        context.process('mmap', PYTHON, '-c', TO_SAFETENSORS_MMAP, pt, out, clean=(out,)), copied(pt)], hot=(pt,), warm=context.warm)
    reverse = Case('convert_safetensors', [
        context.process('torch', PYTHON, '-c', TO_PT, st, back, clean=(back,)),
        context.process('sconce', context.sconce, 'convert', st, back, clean=(back,)), copied(st)], hot=(st,), warm=context.warm)
    results = {case.name: measure(context.programs, case, context.few) for case in (forth, reverse)}
    hole = context.path('hole.safetensors')
    files.make_hole(hole, 20 * 10**9 // (1000 if context.smoke else 1))
    answer = context.programs.peer('launch').ask('run', context.sconce, 'convert', hole, '/dev/null', '--to', 'pytorch-zip', '--force')
    results['convert_hole'] = Result({'sconce': [answer['seconds']]}, {'sconce': [answer['memory']]})
    return results


def memory(case, what, bound=256):
    return at_most(case, 'memory', what, '≤ %d MiB' % bound, lambda result: result.peak('sconce'), bound * MIB, size_of)


def convert_figures():
    figures = []
    for case, what, least in (('convert_pt', '`.pt` → safetensors, 1 GiB', 5), ('convert_safetensors', 'safetensors → `.pt`, 1 GiB', 3)):
        figures.append(versus(case, what + ', against Python (which does not sync)', 'torch', least))
        if case == 'convert_pt':
            figures.append(versus(case, '… against Python with `mmap=True`', 'mmap', 3))
        figures.append(at_most(case, 'copy', '… time, against `cp` and `sync` of the copy', '≤ 1.2',
                               lambda result: 1 / result.ratio('copy', 'sconce')[0], 1.2, lambda value: '%.2f' % value))
        figures.append(memory(case, '… resident memory'))
    return figures + [memory('convert_hole', 'a sparse file of 20 GB, to /dev/null: resident memory')]


def verify(context):
    pt = context.file('large')
    whole = Case('verify', [context.process('zipfile', PYTHON, '-m', 'zipfile', '-t', pt),
                            context.process('sconce', context.sconce, 'verify', pt),
                            context.process('one_core', 'taskset', '-c', '0', context.sconce, 'verify', pt)], hot=(pt,))
    inside = Case('verify_library', [Member('zipfile', 'zipfile', ('verify', pt)), Member('sconce', 'sconce', ('verify', pt)),
                                     Member('limit', 'limit', ('sum', pt, context.threads))], hot=(pt,))
    size, times = 256 << 10, 40 if context.smoke else 20_000
    kernel = Case('crc_kernel', [Member('sconce', 'kernels', ('crc', size, times))])
    results = {case.name: measure(context.programs, case, context.runs) for case in (whole, inside, kernel)}
    results['verify'].facts['bytes'] = context.nbytes('large')
    results['crc_kernel'].facts['bytes'] = size * times
    return results


def speed(who):
    return lambda result: result.facts['bytes'] / result.median(who)


def verify_figures():
    return [versus('verify', '`sconce verify` of 1 GiB, whole process, against `python -m zipfile -t`', 'zipfile', 3),
            at_least('verify', 'one_core', '… on one core', '≥ 5 GB/s', speed('one_core'), 5e9, speed_text),
            at_least('verify', 'all_cores', '… on all cores', '', speed('sconce'), None, speed_text),
            versus('verify_library', 'in process, against zipfile', 'zipfile'),
            versus('verify_library', '… against reading every byte once', 'limit'),
            at_least('crc_kernel', 'speed', 'CRC-32 of 256 KiB in cache, one core', '≥ 10 GB/s', speed('sconce'), 10e9, speed_text)]


def inspect(context):
    results = {}
    for stem in ('some', 'many', 'tiny', 'million'):
        path = context.file(stem)
        members = [context.process('sconce', context.sconce, 'inspect', path)]
        if stem == 'some':
            members.append(context.process('torch', PYTHON, '-c', INSPECT, path))
        case = Case('inspect_' + stem, members, hot=(path,))
        results[case.name] = measure(context.programs, case, context.runs)
        results[case.name].facts['tensors'] = context.count(stem)
    small, large = results['inspect_tiny'], results['inspect_million']
    large.facts['each_small'] = small.median('sconce') / small.facts['tensors']
    return results


def inspect_figures():
    def each(result):
        return result.median('sconce') / result.facts['tensors']

    def time(result):
        return result.median('sconce')

    return [at_most('inspect_some', 'time', '`inspect`, 300 tensors, 500 MB', '≤ 5 ms', time, 5e-3, time_of),
            versus('inspect_some', '… against Python, `torch.load(mmap=True)` and print', 'torch', 300),
            at_most('inspect_many', 'time', '`inspect`, 20,000 tensors', '≤ 40 ms', time, 40e-3, time_of),
            at_most('inspect_million', 'growth', 'cost of a tensor at 10⁶, against 10⁴', '≤ 2 ×',
                    lambda result: each(result) / result.facts['each_small'], 2, lambda value: '%.2f ×' % value),
            at_most('inspect_million', 'each', '… each', '', each, None, lambda value: '%.2f µs' % (value * 1e6)),
            memory('inspect_million', 'memory at 10⁶ tensors', 552)]
