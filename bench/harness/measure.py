"""Interleaved runs, and what they say: medians, ratios of pairs with their spread, peak memory."""
import dataclasses
import os
import statistics
import time

from harness.programs import BenchError


@dataclasses.dataclass
class Member:
    """One who takes part in a case: whom to ask, and what."""
    who: str                  # as the results name it
    peer: str                 # the process that does it
    words: tuple              # the command
    clean: tuple = ()         # files that must not be there before


@dataclasses.dataclass
class Case:
    name: str
    members: list
    hot: tuple = ()           # files that must be in the page cache, whole
    cold: tuple = ()          # files of which nothing may be there
    warm: int = 0             # MiB of memory that are touched and freed before each run
    before: tuple = ()        # (peer, words …) asked once
    after: tuple = ()


@dataclasses.dataclass
class Result:
    seconds: dict = dataclasses.field(default_factory=dict)   # who → of every run
    memory: dict = dataclasses.field(default_factory=dict)    # who → bytes, of every run
    facts: dict = dataclasses.field(default_factory=dict)     # what is measured beside it: name → the least of all runs

    def median(self, who):
        return statistics.median(self.seconds[who])

    def peak(self, who):
        return statistics.median(self.memory[who])

    def ratio(self, slow, fast):
        """Median, smallest and largest of slow / fast over the runs."""
        ratios = [a / b for a, b in zip(self.seconds[slow], self.seconds[fast])]
        return statistics.median(ratios), min(ratios), max(ratios)


def prove(programs, case):
    """The page cache is as the case says."""
    state = programs.peer('state')
    for path in case.hot:
        found = state.ask('hot', path)
        if found['resident'] != found['size']:
            raise BenchError('%s: only %d of %d bytes stay in the page cache' % (path, found['resident'], found['size']))
    for path in case.cold:
        for _ in range(20):
            found = state.ask('cold', path)
            if found['resident'] == 0:
                break
            time.sleep(0.05)  # somebody still holds pages: write-back, or a process that is going
        else:
            raise BenchError('%s: %d bytes do not leave the page cache' % (path, found['resident']))


def remove(paths):
    for path in paths:
        if os.path.exists(path):
            os.unlink(path)


def run_member(programs, case, member):
    remove(member.clean)
    if member.clean:
        os.sync()  # nobody waits for what others have written
    if case.warm:
        programs.peer('state').ask('warm', case.warm)
    prove(programs, case)
    answer = programs.peer(member.peer).ask(*member.words)
    remove(member.clean)
    return answer


def measure(programs, case, runs, out_of_time=lambda: False):
    """Everybody in turn, the order rotated from run to run. At least three runs, even where the time is out."""
    result = Result()
    for words in case.before:
        programs.peer(words[0]).ask(*words[1:])
    for run in range(runs):
        if run >= 3 and out_of_time():
            break
        first = run % len(case.members)
        for member in case.members[first:] + case.members[:first]:
            answer = run_member(programs, case, member)
            result.seconds.setdefault(member.who, []).append(answer['seconds'])
            for name in answer.keys() - {'seconds', 'peak', 'memory'}:
                result.facts[member.who + '.' + name] = min(answer[name], result.facts.get(member.who + '.' + name, answer[name]))
            result.memory.setdefault(member.who, []).append(answer.get('memory', answer['peak']))
    for words in case.after:
        programs.peer(words[0]).ask(*words[1:])
    return result
