"""docs/benchmarks.md and its plots, out of results."""
import re

from harness import plot
from harness.figures import time_of
from harness.long import PARTS
from harness.loads import TITLES

INTRODUCTION = '''# Figures

Written by one command, which measures everything on this page:

```sh
bench/compare build/release/sconce FOLDER     # FOLDER: on a disk; about 8 GiB, emptied again
bench/compare --quick --json OUT              # eight of the cases on files of 256 MiB, in under a minute, for programs
```

- **Date**: {date}
- **Machine**: {machine}
- **Devices**: {devices}
- **Versions**: {versions}
- **Run**: {run}

How it is measured: all who take part run in turn, in an order that is rotated from run to run; each library in one
process that lives through the whole run, with all threads that the process may use. Before each run, memory is
touched and freed (2.5 times the file, by a process of its own), memory that a process has freed goes back to the
system, and the page cache is brought into the state that the case says, and proven to be in it with `mincore`: all
pages, or none. Whoever loads then looks at one byte of every page of every tensor, all with the same function. Files
hold random bytes, the same for everybody. A ratio is the median of the ratios of runs that follow each other, with
the smallest and the largest in brackets. Times stand beside it with the most memory that the run took beyond what the
process held before (of whole processes: resident in all, the page cache that is mapped included). Timings of such a
machine vary by some 30 % from hour to hour, the ratios by less.
'''
LEGEND = '''The limit is the plainest program that reaches what the machine can do, in the same runs: for loads from the page
cache `read()` in pieces of 8 MiB by all threads into fresh huge pages; for loads from the disk one sequential
`read()` into huge pages that were touched before; for saves `fallocate`, O_DIRECT in pieces of 4 MiB, `fdatasync`;
for casts a `memcpy` that moves as many bytes in all; for devices their own large copy.
'''


def read_notes(path):
    """`### name` and what follows, of notes.md."""
    parts = re.split(r'^### (\S+)\n', path.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], (text.strip() for text in parts[2::2])))


def reading_of(figure, results):
    """Nothing where the result is missing, or one of those whom it compares."""
    result = results.get(figure.case)
    if result is None:
        return None
    try:
        return figure.read(result)
    except KeyError:
        return None


def table(figures, results, missed):
    lines = ['| figure | wanted | measured | Sconce | the other |', '|---|---|---|---|---|']
    subject = ''
    for figure in figures:
        reading = reading_of(figure, results)
        subject = subject if figure.what.startswith('… ') else figure.what.split(', against')[0]
        if reading is None:
            lines.append('| %s | %s | not run | | |' % (figure.what, figure.wanted))
            continue
        text = reading.text
        if reading.reached is False:
            missed.append((figure, reading, figure.what.replace('… ', subject + ': ')))
            text = '**%s**, short by %s' % (text, reading.short)
        lines.append('| %s | %s | %s | %s | %s |' % (figure.what, figure.wanted, text, reading.ours, reading.other))
    return '\n'.join(lines)


def short_section(missed, notes):
    if not missed:
        return '## What is not reached\n\nNothing: every figure above that has a target meets it.\n'
    lines = ['## What is not reached\n']
    for figure, reading, what in missed:
        why = notes.get(figure.name, 'Not explained yet.')
        lines.append('- **%s** (`%s`): wanted %s, measured %s, short by %s. %s' % (
            what, figure.name, figure.wanted, reading.text, reading.short, why))
    return '\n'.join(lines) + '\n'


def absent(name, figures, results):
    """Why a part has no results, where the machine lacks something."""
    if any(figure.case in results for figure in figures):
        return ''
    return {'cuda': 'Not run: no GPU on this machine.\n\n', 'opencl': 'Not run: no OpenCL device on this machine.\n\n'}.get(name, '')


def charts(results):
    """File name → SVG, of what can be drawn."""
    def group(case, label, who):
        result = results.get(case)
        return result and (label, [(name, result.median(name)) for name in who if name in result.seconds])

    stems = list(TITLES.items())
    wanted = {
        'load': ('Load into own memory, hot: seconds, shorter is better',
                 [group('load_hot_' + stem, title.split(',')[0], ('sconce', 'limit', 'safetensors', 'torch')) for stem, title in stems]),
        'open': ('Open lazily: seconds, shorter is better',
                 [group('open_lazy_' + stem, title.split(',')[0], ('sconce', 'safetensors', 'torch')) for stem, title in stems[:3]]),
        'save': ('Save, durable: seconds, shorter is better',
                 [group('save_durable_' + stem, title.split(',')[0], ('sconce', 'limit', 'safetensors', 'torch')) for stem, title in stems[:3]]),
        'command': ('Whole processes on 1 GiB: seconds, shorter is better',
                    [group('convert_pt', '.pt → safetensors', ('sconce', 'copy', 'mmap', 'torch')),
                     group('convert_safetensors', 'safetensors → .pt', ('sconce', 'copy', 'torch')),
                     group('verify', 'verify', ('sconce', 'zipfile'))]),
    }
    return {name + '.svg': plot.bars(title, [one for one in groups if one], time_of)
            for name, (title, groups) in wanted.items() if any(groups)}


def write(results, facts, path, notes):
    plots = charts(results)
    folder = path.parent / 'plots'
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in plots.items():
        (folder / name).write_text(svg)
    missed = []
    parts = [INTRODUCTION.format(**facts), LEGEND]
    parts += ['![%s](plots/%s)' % (name[:-4], name) for name in plots]
    for name, title, _, figures in PARTS:
        parts.append('## %s\n\n%s%s' % (title, absent(name, figures(), results), table(figures(), results, missed)))
        if name in notes:
            parts.append(notes[name])
    parts.append(short_section(missed, notes))
    path.write_text('\n\n'.join(part.rstrip('\n') for part in parts) + '\n')
