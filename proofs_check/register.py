"""The register: every claim that is checked, by its id."""

from __future__ import annotations

from hptheory.errors import UnknownNameError
from proofs_check import (
    app_a_background,
    app_b1_transfer,
    app_b2_gaps,
    app_b2_rates,
    app_b2_tie,
    app_b3_grid_search,
    app_b3_theorem_2,
    app_b4_limit,
    app_b4_risk,
    app_b4_sensitivity,
    app_b4_transfer,
    app_b5_bound,
    app_b5_lemma_14,
    app_c_measures,
    app_c_truncation,
    error_bars,
    expansion,
    scaling_rules,
    sec3_random_features,
    sec4_decomposition,
    summaries,
    summary_facts,
    summary_transfer,
    unimodality,
)
from proofs_check.claims import Claim

MODULES = (
    app_b2_gaps,
    app_b3_theorem_2,
    sec3_random_features,
    sec4_decomposition,
    app_a_background,
    app_b1_transfer,
    app_b2_rates,
    app_b2_tie,
    app_b3_grid_search,
    app_b4_limit,
    app_b4_sensitivity,
    app_b4_risk,
    app_b4_transfer,
    app_b5_lemma_14,
    app_b5_bound,
    app_c_measures,
    app_c_truncation,
    unimodality,
    expansion,
    error_bars,
    scaling_rules,
    summaries,
    summary_facts,
    summary_transfer,
)
"""Each has its claims in ``CLAIMS``; in the order of the paper, and what goes beyond it comes last."""

REGISTER: dict[str, Claim] = {claim.id: claim for module in MODULES for claim in module.CLAIMS}
"""Every claim by its id."""


def find(claim_id: str) -> Claim:
    """Return a claim by its id; an unknown one raises `UnknownNameError` with the nearest ids.

    >>> find("eq-11").verdict.value
    'proved'
    """
    if claim_id not in REGISTER:
        raise UnknownNameError("claim", claim_id, list(REGISTER))
    return REGISTER[claim_id]
