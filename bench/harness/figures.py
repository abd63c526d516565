"""Figures: what is wanted of a result, what it is, and by how much it is missed."""
import dataclasses
import typing


@dataclasses.dataclass
class Reading:
    """A figure as it was measured."""
    text: str                       # for the table
    reached: typing.Optional[bool]  # nothing: no target
    short: str = ''                 # by how much it is missed
    ours: str = ''                  # seconds and memory of Sconce
    other: str = ''                 # those of whom it is compared with


@dataclasses.dataclass
class Figure:
    case: str                       # the result that it reads
    key: str                        # with `case`, its name in notes.md
    what: str
    wanted: str
    read: typing.Callable           # Result → Reading

    @property
    def name(self):
        return self.case + '.' + self.key


def time_of(seconds):
    if seconds < 1e-3:
        return '%.0f µs' % (seconds * 1e6)
    return '%.1f ms' % (seconds * 1e3) if seconds < 0.1 else '%.2f s' % seconds


def size_of(nbytes):
    return '%.1f MiB' % (nbytes / 2**20) if nbytes < 10 * 2**20 else '%.0f MiB' % (nbytes / 2**20)


def cost(result, who):
    return '%s, %s' % (time_of(result.median(who)), size_of(max(result.peak(who), 0)))


def short_by(value, wanted):
    return '' if value >= wanted else '%.0f %%' % (100 * (1 - value / wanted))


def number(value):
    return '%.2f' % value if value < 10 else '%.0f' % value


def versus(case, what, peer, least=None, against=None):
    """How many times as fast as a peer."""
    def read(result):
        middle, low, high = result.ratio(peer, 'sconce')
        return Reading('%s × (%s–%s)' % (number(middle), number(low), number(high)), None if least is None else middle >= least,
                       short_by(middle, least or 0), cost(result, 'sconce'), '%s: %s' % (against or peer, cost(result, peer)))
    return Figure(case, peer, what, '' if least is None else '≥ %g ×' % least, read)


def of_limit(case, what, least, limit='limit', who='sconce', against='the limit'):
    """Which part of the limit's speed."""
    def read(result):
        middle, low, high = result.ratio(limit, who)
        return Reading('%.2f of it (%.2f–%.2f)' % (middle, low, high), middle >= least, short_by(middle, least), cost(result, who),
                       '%s: %s' % (against, cost(result, limit)))
    return Figure(case, limit if who == 'sconce' else who, what, '≥ %g of the limit' % least, read)


def at_most(case, key, what, wanted, value, bound, text):
    """Something that should be small: `value` of a result, shown by `text`; no bound: as it is."""
    def read(result):
        measured = value(result)
        return Reading(text(measured), None if bound is None else measured <= bound, short_by(bound or 1, measured) if bound else '')
    return Figure(case, key, what, wanted, read)


def at_least(case, key, what, wanted, value, bound, text):
    def read(result):
        measured = value(result)
        return Reading(text(measured), None if bound is None else measured >= bound, short_by(measured, bound) if bound else '')
    return Figure(case, key, what, wanted, read)


def speed_text(value):
    return '%.1f GB/s' % (value / 1e9)
