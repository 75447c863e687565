"""Transfer analysis: sweep tables, gaps, exponents, the verdict (2512.22768, Sec. 2-3, App. B)."""

from hptheory.transfer.analysis import analyse
from hptheory.transfer.report import Report
from hptheory.transfer.table import SweepTable

__all__ = ["Report", "SweepTable", "analyse"]
