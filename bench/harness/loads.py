"""Loading: into memory of one's own, hot and cold; lazily; one tensor."""
from harness import files
from harness.figures import at_most, cost, of_limit, time_of, versus
from harness.measure import Case, Member, measure
from harness.programs import PYTHON

TITLES = {'large': '4 tensors, 1 GiB', 'some': '300 tensors, 500 MB', 'many': '20,000 tensors, 200 MB',
          'training': 'model and Adam’s state, 300 tensors, 300 MB'}
LOAD = 'import sys, torch; torch.load(sys.argv[1])'
ONE = 'import sys, torch; torch.load(sys.argv[1], mmap=True)[sys.argv[2]].clone()'


def load_hot(context):
    results = {}
    for stem in TITLES:
        pt = context.file(stem)
        members = [Member('torch', 'torch', ('load', pt)), Member('sconce', 'sconce', ('load', pt, 'cpu')),
                   Member('limit', 'limit', ('read', pt, context.threads))]
        if stem == 'large':
            members.append(Member('unchecked', 'sconce', ('load', pt, 'cpu', 'automatic', 'skip')))
        hot = (pt,)
        if stem != 'training':
            st = context.file(stem, '.safetensors')
            members.append(Member('safetensors', 'safetensors', ('load', st)))
            hot = (pt, st)
        case = Case('load_hot_' + stem, members, hot=hot, warm=context.warm_for(stem))
        results[case.name] = measure(context.programs, case, context.runs)
    return results


def load_hot_figures():
    figures = []
    for stem, least in (('large', 5), ('some', 5), ('many', 25), ('training', None)):
        case = 'load_hot_' + stem
        figures.append(of_limit(case, TITLES[stem], 0.9))
        if stem == 'large':
            figures.append(of_limit(case, '… checksums skipped', 0.9, who='unchecked'))
        figures.append(versus(case, '… against `torch.load`', 'torch', least))
        if stem != 'training':
            figures.append(versus(case, '… against safetensors, each tensor cloned', 'safetensors', 3))
    return figures


def load_cold(context):
    pt, st = context.file('large'), context.file('large', '.safetensors')
    case = Case('load_cold', [
        Member('torch', 'torch', ('load', pt)), Member('sconce', 'sconce', ('load', pt, 'cpu')),
        Member('limit', 'limit', ('sequential', pt)), Member('safetensors', 'safetensors', ('load', st))],
        cold=(pt, st), warm=context.warm)
    return {case.name: measure(context.programs, case, context.runs)}


def load_cold_figures():
    return [of_limit('load_cold', TITLES['large'], 0.95), versus('load_cold', '… against `torch.load`', 'torch'),
            versus('load_cold', '… against safetensors, each tensor cloned', 'safetensors')]


def open_lazy(context):
    results = {}
    for stem in ('large', 'some', 'many'):
        pt, st = context.file(stem), context.file(stem, '.safetensors')
        wanted = tuple(number for pair in files.metadata(pt) for number in pair)
        case = Case('open_lazy_' + stem, [
            Member('torch', 'torch', ('open', pt)), Member('sconce', 'sconce', ('open', pt)),
            Member('sconce_safetensors', 'sconce', ('open', st)),
            Member('limit', 'limit', ('ranges', pt) + wanted), Member('safetensors', 'safetensors', ('open', st))], hot=(pt, st))
        results[case.name] = measure(context.programs, case, context.runs)
        results[case.name].facts['tensors'] = context.count(stem)
    return results


def open_lazy_figures():
    figures = []
    for stem, torch, safetensors in (('large', None, None), ('some', None, None), ('many', 50, 15)):
        case = 'open_lazy_' + stem
        figures.append(versus(case, TITLES[stem] + ', against `torch.load(mmap=True)`', 'torch', torch))
        figures.append(versus(case, '… against safetensors’ Python', 'safetensors', safetensors))
    figures.append(at_most('open_lazy_many', 'each', '… each tensor, zip and pickle included', '≤ 1 µs',
                           lambda result: result.median('sconce') / result.facts['tensors'], 1e-6, lambda value: '%.2f µs' % (value * 1e6)))
    figures.append(at_most('open_lazy_many', 'load', '… each, of `load()` alone, before anybody asks for names', '',
                           lambda result: result.facts['sconce.load'] / result.facts['tensors'], None,
                           lambda value: '%.2f µs' % (value * 1e6)))
    return figures


def one_tensor(context):
    pt = context.file('thousand')
    number = context.count('thousand') // 2
    name = files.name_of(number)
    wanted = tuple(value for pair in files.metadata(pt) + [files.record(pt, number)] for value in pair)
    inside = Case('one_tensor', [Member('torch', 'torch', ('one', pt, name)), Member('sconce', 'sconce', ('one', pt, name)),
                                 Member('limit', 'limit', ('ranges', pt) + wanted)], hot=(pt,))
    out = context.path('one.bin')
    whole = Case('one_tensor_process', [
        context.process('sconce', context.sconce, 'get', pt, name, '--out', '/dev/null', '--format', 'raw', '--force'),
        context.process('file', context.sconce, 'get', pt, name, '--out', out, '--force', clean=(out,)),
        context.process('torch', PYTHON, '-c', ONE, pt, name)], hot=(pt,))
    results = {case.name: measure(context.programs, case, context.runs) for case in (inside, whole)}
    results['one_tensor_cold'] = one_tensor_cold(context)
    return results


def one_tensor_cold(context):
    """Bytes that come from the disk for one tensor."""
    from harness.measure import Result, prove
    pt = context.file('some')
    number = context.count('some') // 2
    prove(context.programs, Case('one_tensor_cold', [], cold=(pt,)))
    context.programs.peer('launch').ask('run', context.sconce, 'get', pt, files.name_of(number), '--out', '/dev/null', '--format', 'raw',
                                        '--force')
    read = context.programs.peer('state').ask('resident', pt)['resident']
    needed = sum(size for _, size in files.metadata(pt) + [files.record(pt, number)])
    return Result(facts={'read': read, 'needed': needed})


def one_tensor_figures():
    return [at_most('one_tensor_process', 'time', 'whole process: `sconce get` of 1 MiB, of 1000 tensors', '≤ 3 ms',
                    lambda result: result.median('sconce'), 3e-3, time_of),
            at_most('one_tensor_process', 'file', '… into a file, which is synced', '', lambda result: result.median('file'), None, time_of),
            versus('one_tensor_process', '… against Python, `torch.load(mmap=True)`', 'torch'),
            versus('one_tensor', 'in process, against `torch.load(mmap=True)`', 'torch'),
            at_most('one_tensor_cold', 'bytes', 'read from the disk for one tensor of 1.67 MB out of 500 MB', 'its pages and the metadata',
                    lambda result: result.facts['read'] - result.facts['needed'], 64 * 4096,
                    lambda beyond: '%.0f KiB beyond its bytes and the metadata' % (beyond / 1024))]


def load_process(context):
    """The command, beside the numbers of the library."""
    pt = context.file('large')
    case = Case('load_process', [context.process('sconce', context.sconce, 'load', pt, '--device', 'cpu'),
                                 context.process('torch', PYTHON, '-c', LOAD, pt)], hot=(pt,), warm=context.warm)
    return {case.name: measure(context.programs, case, context.few)}


def load_process_figures():
    return [versus('load_process', '4 tensors, 1 GiB: `sconce load`, against Python’s `torch.load`', 'torch')]
