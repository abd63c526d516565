"""What a malformed file is here: bytes, and what each command must answer.

Nothing in these files is harmful: the callables that they name are never imported, and no file is ever given to a real
unpickler. Numbers such as Z03 are the classes of the project's list of malformed files; a class has many cases.
"""
from dataclasses import dataclass, field
from typing import Optional, Set

OK = {0}
REFUSED = {3}


@dataclass
class Case:
    """One file. `inspect`, `verify` and `convert` are the exit codes that are right; None: not asked."""
    name: str
    data: Optional[bytes] = None
    inspect: Set[int] = field(default_factory=lambda: set(REFUSED))
    verify: Optional[Set[int]] = None
    convert: Optional[Set[int]] = None
    says: str = ''                        # a word that the error must have
    memory_mib: int = 0                   # above 64 MiB and eight times the file
    suffix: str = '.pt'
