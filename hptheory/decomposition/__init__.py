"""Why hyperparameters transfer: the top-k decomposition of a loss (2512.22768, Sec. 4, App. B.5, C)."""

from __future__ import annotations

from hptheory.decomposition.bound_table import format_hp_gap_table, hp_gap_table
from hptheory.decomposition.component_index import mean_component_index
from hptheory.decomposition.interval import TopKInterval, top_k_interval, top_k_intervals
from hptheory.decomposition.proxy import Truncation, minimize_proxy
from hptheory.decomposition.spectrum import alignment_matrix, alignment_spectrum, top_k_loss_change
from hptheory.decomposition.truncation import select_truncation, top_loss

__all__ = [
    "TopKInterval",
    "Truncation",
    "alignment_matrix",
    "alignment_spectrum",
    "format_hp_gap_table",
    "hp_gap_table",
    "mean_component_index",
    "minimize_proxy",
    "select_truncation",
    "top_k_interval",
    "top_k_intervals",
    "top_k_loss_change",
    "top_loss",
]
