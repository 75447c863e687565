"""Transfer analysis: sweep tables, gaps, exponents, the verdict (2512.22768, Sec. 2-3, App. B)."""

from hptheory.transfer.analysis import analyse
from hptheory.transfer.gaps import Gaps
from hptheory.transfer.laws import TransferLaw
from hptheory.transfer.multiplier import compute_multiplier
from hptheory.transfer.planner import Plan, plan
from hptheory.transfer.rates import direct_tuning, is_useful, transfer_tuning
from hptheory.transfer.replay import replayed
from hptheory.transfer.report import Report
from hptheory.transfer.table import SweepTable

__all__ = [
    "Gaps",
    "Plan",
    "Report",
    "SweepTable",
    "TransferLaw",
    "analyse",
    "compute_multiplier",
    "direct_tuning",
    "is_useful",
    "plan",
    "replayed",
    "transfer_tuning",
]
