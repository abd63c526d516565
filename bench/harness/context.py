"""What the parts of the long form share: files, made when they are first asked for, and how much of everything."""
import os

from harness.programs import THREADS

MIB, GIB = 1 << 20, 1 << 30
# name → shape, tensors, bytes
FILES = {'large': ('flat', 4, GIB), 'some': ('flat', 300, 500_000_000), 'many': ('flat', 20_000, 200_000_000),
         'training': ('training', 100, 100_000_000), 'thousand': ('pt', 1000, GIB), 'tiny': ('tiny', 10_000, 160_000),
         'million': ('tiny', 1_000_000, 16_000_000)}


class Context:
    def __init__(self, programs, folder, runs, smoke):
        self.programs = programs
        self.folder = folder
        self.runs = 1 if smoke else runs
        self.few = 1 if smoke else max(runs - 2, 1)  # of what takes seconds
        self.smoke = smoke
        self.warm = self.warm_for('large')
        self.threads = THREADS

    @property
    def sconce(self):
        return self.programs.sconce_command

    def warm_for(self, stem):
        """MiB that are touched and freed before a run with this file: 2.5 times what it takes."""
        return max(FILES[stem][2] * 5 // 2 // (MIB * (1024 if self.smoke else 1)), 4 if self.smoke else 512)

    def path(self, name):
        return os.path.join(self.folder, name)

    def count(self, stem):
        return max(FILES[stem][1] // (100 if self.smoke else 1), 2)

    def nbytes(self, stem):
        return FILES[stem][2] // (1024 if self.smoke else 1)

    def file(self, stem, suffix='.pt'):
        path = self.path(stem + suffix)
        if not os.path.exists(path):
            self.programs.peer('maker').ask('make', self.path(stem), FILES[stem][0], self.count(stem), self.nbytes(stem))
            if not self.smoke:  # it would keep memory
                self.programs.drop('maker')
            os.sync()
        return path

    def process(self, who, *command, clean=()):
        """A member that is a whole process."""
        from harness.measure import Member
        return Member(who, 'launch', ('run',) + tuple(str(word) for word in command), clean=tuple(clean))
