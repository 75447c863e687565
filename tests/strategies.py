"""Hypothesis strategies of the whole suite; they reach the boundaries of each domain."""

from __future__ import annotations
