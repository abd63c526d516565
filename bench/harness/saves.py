"""Saving: fast and durable, and behind the caller's back."""
import os

from harness.figures import of_limit, versus
from harness.loads import TITLES
from harness.measure import Case, Member, measure

PEERS = ('torch', 'safetensors', 'sconce')


def save(context):
    results = {}
    for stem in ('large', 'some', 'many'):
        source, out, st = context.file(stem), context.path('out.pt'), context.path('out.safetensors')
        size = os.path.getsize(source)
        hold = tuple((who, 'hold', source) for who in PEERS)
        drop = tuple((who, 'drop') for who in PEERS)
        for how, before, after in (('fast', hold, ()), ('durable', (), drop)):
            case = Case('save_%s_%s' % (how, stem), [
                Member('torch', 'torch', ('save', out, how), clean=(out,)),
                Member('sconce', 'sconce', ('save', out, 'pytorch-zip', how), clean=(out,)),
                Member('limit', 'limit', ('write', size, out, context.threads), clean=(out,)),
                Member('safetensors', 'safetensors', ('save', st, how), clean=(st,))],
                warm=context.warm_for(stem), before=before, after=after)
            results[case.name] = measure(context.programs, case, context.runs if stem == 'large' else context.few)
    return results


def save_async(context):
    """Until the caller may go on; the limit is a memcpy into memory that was touched before."""
    source, out = context.file('large'), context.path('out.pt')
    case = Case('save_async', [
        Member('sconce', 'sconce', ('save_async', out, 'pytorch-zip'), clean=(out,)),
        Member('limit', 'limit', ('memcpy', context.nbytes('large'), context.threads, 'touched')),
        Member('torch', 'torch', ('save', out, 'durable'), clean=(out,))],
        before=(('sconce', 'hold', source), ('torch', 'hold', source), ('sconce', 'save_async', out, 'pytorch-zip')),
        after=(('sconce', 'drop'), ('torch', 'drop')), warm=context.warm)
    return {case.name: measure(context.programs, case, context.few)}


def save_async_figures():
    return [of_limit('save_async', 'until `save_async` returns, 1 GiB', 0.9, against='memcpy'),
            versus('save_async', '… against `torch.save` and fsync, which holds the caller', 'torch')]


def save_figures():
    figures = []
    for stem in ('large', 'some', 'many'):
        fast, durable = 'save_fast_' + stem, 'save_durable_' + stem
        figures.append(versus(fast, TITLES[stem] + ', fast: against `torch.save`', 'torch', 2))
        figures.append(versus(fast, '… against safetensors', 'safetensors'))
        figures.append(of_limit(durable, TITLES[stem] + ', durable', 0.9))
        figures.append(versus(durable, '… against `torch.save` and fsync', 'torch', 2.5))
        figures.append(versus(durable, '… against safetensors and fsync', 'safetensors'))
    return figures
