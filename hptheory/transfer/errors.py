"""The named errors of sweep tables: one sentence that says where, what, and what to do."""

from __future__ import annotations

from hptheory.errors import HPTheoryError


class TableError(HPTheoryError):
    """A sweep table cannot be read; the message names the table, the line, the fault and the remedy."""

    def __init__(self, place: str, problem: str, remedy: str) -> None:
        self.place, self.problem, self.remedy = place, problem, remedy
        super().__init__(f"{place}: {problem}; {remedy}")
