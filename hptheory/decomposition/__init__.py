"""Why hyperparameters transfer: the top-k decomposition of a loss (2512.22768, Sec. 4, App. B.5, C)."""

from __future__ import annotations

from hptheory.decomposition.component_index import mean_component_index
from hptheory.decomposition.spectrum import alignment_matrix, alignment_spectrum, top_k_loss_change

__all__ = ["alignment_matrix", "alignment_spectrum", "mean_component_index", "top_k_loss_change"]
