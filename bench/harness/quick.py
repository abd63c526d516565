"""The quick form: eight cases on files of 256 MiB, in under a minute, as numbers for a program."""
import json
import os
import sys
import time

from harness import files
from harness.measure import Case, Member, measure
from harness.programs import THREADS

SECONDS = 50  # where a case has used up its share of them, it makes do with fewer runs
SHARES = {'load_owned_hot': 8, 'open_lazy_20k_tensors': 20, 'load_one_tensor': 2, 'many_small_load': 31, 'save_fast': 14,
          'save_durable': 15, 'convert_pt_safetensors': 8, 'verify_crc': 2}


def make_files(programs, folder, nbytes, many):
    """Four large tensors, three hundred, and `many`; each as .pt and as .safetensors."""
    for who in ('maker', 'torch', 'safetensors', 'zipfile'):
        programs.peer(who)  # their imports take a while, side by side
    for stem, count in (('large', 4), ('some', 300), ('many', many)):
        programs.peer('maker').ask('make', folder + '/' + stem, 'flat', count, nbytes)
    programs.drop('maker')
    os.sync()


def flat(ranges):
    return tuple(number for pair in ranges for number in pair)


def load_cases(folder, warm):
    both = {stem: ('%s/%s.pt' % (folder, stem), '%s/%s.safetensors' % (folder, stem)) for stem in ('large', 'some', 'many')}

    def load(name, stem):
        pt, st = both[stem]
        return Case(name, [Member('torch', 'torch', ('load', pt)), Member('sconce', 'sconce', ('load', pt, 'cpu')),
                           Member('limit', 'limit', ('read', pt, THREADS)), Member('safetensors', 'safetensors', ('load', st))],
                    hot=(pt, st), warm=warm)

    pt, st = both['many']
    lazy = Case('open_lazy_20k_tensors', [
        Member('torch', 'torch', ('open', pt)), Member('sconce', 'sconce', ('open', pt)),
        Member('limit', 'limit', ('ranges', pt) + flat(files.metadata(pt))), Member('safetensors', 'safetensors', ('open', st))],
        hot=(pt, st))
    pt, st = both['some']
    wanted, name = flat(files.metadata(pt) + [files.record(pt, 150)]), files.name_of(150)
    one = Case('load_one_tensor', [
        Member('torch', 'torch', ('one', pt, name)), Member('sconce', 'sconce', ('one', pt, name)),
        Member('limit', 'limit', ('ranges', pt) + wanted), Member('safetensors', 'safetensors', ('one', st, name))], hot=(pt, st))
    return [load('load_owned_hot', 'large'), lazy, one, load('many_small_load', 'many')]


def save_cases(folder, warm):
    source, out, st = folder + '/large.pt', folder + '/out.pt', folder + '/out.safetensors'
    size = os.path.getsize(source)
    hold = tuple((who, 'hold', source) for who in ('torch', 'safetensors', 'sconce'))
    drop = tuple((who, 'drop') for who in ('torch', 'safetensors', 'sconce'))

    def save(how, before=(), after=()):
        return Case('save_' + how, [
            Member('torch', 'torch', ('save', out, how), clean=(out,)),
            Member('sconce', 'sconce', ('save', out, 'pytorch-zip', how), clean=(out,)),
            Member('limit', 'limit', ('write', size, out, THREADS), clean=(out,)),
            Member('safetensors', 'safetensors', ('save', st, how), clean=(st,))],
            warm=warm, before=before, after=after)

    convert = Case('convert_pt_safetensors', [
        Member('torch', 'torch', ('convert', source, st), clean=(st,)), Member('sconce', 'sconce', ('convert', source, st), clean=(st,)),
        Member('limit', 'limit', ('write', size, out, THREADS), clean=(out,))], hot=(source,), warm=warm)
    return [save('fast', before=hold), save('durable', after=drop), convert]


def verify_case(folder):
    path = folder + '/large.pt'
    return Case('verify_crc', [Member('zipfile', 'zipfile', ('verify', path)), Member('sconce', 'sconce', ('verify', path)),
                               Member('limit', 'limit', ('sum', path, THREADS))], hot=(path,))


def run(programs, folder, smoke=False, runs=5):
    """Results by the name of the case."""
    begun = time.monotonic()
    nbytes, many, warm = (1 << 20, 200, 4) if smoke else (256 << 20, 20_000, 512)
    make_files(programs, folder, nbytes, many)
    cases = load_cases(folder, warm) + save_cases(folder, warm) + [verify_case(folder)]
    results, seconds = {}, begun + SECONDS - time.monotonic()
    for case in cases:
        until = time.monotonic() + seconds * SHARES[case.name] / sum(SHARES.values())
        results[case.name] = measure(programs, case, runs, lambda: time.monotonic() > until)
        spent = len(results[case.name].seconds['sconce'])
        if spent < runs:
            print('%s: %d runs, the time was out' % (case.name, spent), file=sys.stderr)
    return results


def write_json(results, path):
    plain = {name: {who: result.median(who) for who in result.seconds} for name, result in results.items()}
    with open(path, 'w') as file:
        json.dump(plain, file, indent=1)
        file.write('\n')
