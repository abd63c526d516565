"""Casts, and devices: PoCL everywhere, a discrete GPU where there is one."""
import os

from harness.figures import at_most, of_limit, size_of, versus
from harness.measure import Case, Member, measure

CASTS = (('float32', 'float16'), ('float32', 'bfloat16'), ('float32', 'float8_e4m3fn'), ('float32', 'float8_e5m2'),
         ('float16', 'float32'), ('bfloat16', 'float32'), ('float8_e4m3fn', 'float32'), ('float8_e5m2', 'float32'))
BYTES = {'float32': 4, 'float16': 2, 'bfloat16': 2, 'float8_e4m3fn': 1, 'float8_e5m2': 1}


def casts(context):
    """The limit is a memcpy that moves as many bytes: half of those that are read and written."""
    results = {}
    count = 1 << (12 if context.smoke else 26)
    for source, target in CASTS:
        moved = count * (BYTES[source] + BYTES[target]) // 2
        case = Case('cast_%s_%s' % (source, target), [
            Member('sconce', 'sconce', ('cast', source, target, count)),
            Member('limit', 'limit', ('memcpy', moved, context.threads, 'fresh')),
            Member('kernel', 'kernels', ('cast', source, target, count)),
            Member('memcpy', 'kernels', ('copy', moved)),
            Member('torch', 'torch', ('cast', source, target, count))], warm=context.warm_for('some'))
        results[case.name] = measure(context.programs, case, context.few)
    return results


def casts_figures():
    figures = []
    for source, target in CASTS:
        case = 'cast_%s_%s' % (source, target)
        figures.append(of_limit(case, '%s → %s, 64 Mi elements: the kernel, one core' % (source, target), 0.8, limit='memcpy',
                                who='kernel', against='memcpy'))
        figures.append(of_limit(case, '… a whole tensor into fresh memory, counted, all cores', 0.8))
        figures.append(versus(case, '… against `Tensor.to`', 'torch'))
    return figures


def device_of(context, kind):
    """The first device of a kind, or nothing."""
    found = context.programs.peer('sconce').ask('devices')
    return next((name for name in sorted(found) if name.startswith(kind)), None)


def onto(context, device, kind):
    """From memory, and from a hot file, onto a device; the limit is the device's own large copy."""
    pt = context.file('large')
    limit = Member('limit', 'sconce', ('device_limit', device, context.nbytes('large')))
    memory = Case(kind + '_move', [Member('sconce', 'sconce', ('move', pt, device)), limit], hot=(pt,), warm=context.warm)
    file = Case(kind + '_load', [Member('sconce', 'sconce', ('load', pt, device)), limit], hot=(pt,), warm=context.warm)
    return memory, file


def opencl(context):
    device = device_of(context, 'opencl')
    if not device:
        return {}
    return {case.name: measure(context.programs, case, context.few) for case in onto(context, device, 'opencl')}


def opencl_figures():
    return [of_limit('opencl_move', 'memory → OpenCL device, 1 GiB', 0.9, against='its own copy'),
            of_limit('opencl_load', 'hot file → OpenCL device, 1 GiB', 0.9, against='its own copy')]


def cuda(context):
    """Nothing where there is no GPU, or where the peer has none."""
    device = device_of(context, 'cuda')
    if not device:
        return {}
    memory, file = onto(context, device, 'cuda')
    pt, out = context.file('large'), context.path('out.pt')
    if context.programs.peer('torch').ask('has_cuda')['cuda']:
        file.members.append(Member('torch', 'torch', ('load', pt, 'cuda')))
    save = Case('cuda_save', [Member('sconce', 'sconce', ('save', out, 'pytorch-zip', 'durable'), clean=(out,)),
                              Member('limit', 'limit', ('write', os.path.getsize(pt), out, context.threads), clean=(out,))],
                before=(('sconce', 'hold', pt, device),), after=(('sconce', 'drop'),), warm=context.warm)
    return {case.name: measure(context.programs, case, context.runs) for case in (memory, file, save)}


def cuda_figures():
    return [of_limit('cuda_load', 'hot file → GPU, 1 GiB', 0.85, against='pinned copy'),
            versus('cuda_load', '… against `torch.load(map_location="cuda")`', 'torch', 3),
            at_most('cuda_load', 'memory', '… host memory beside the page cache', '≤ 1 GiB',
                    lambda result: result.peak('sconce'), 1 << 30, size_of),
            of_limit('cuda_move', 'memory → GPU, 1 GiB', 0.85, against='pinned copy'),
            of_limit('cuda_save', 'GPU → file, durable', 0.9, against='the disk')]
