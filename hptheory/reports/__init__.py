"""Self-contained HTML reports: one file that can be mailed, without script and without any other resource."""

from hptheory.reports.page import Picture, Section, page
from hptheory.reports.plan_page import plan_page
from hptheory.reports.sweep_report import sweep_page, sweep_pictures

__all__ = ["Picture", "Section", "page", "plan_page", "sweep_page", "sweep_pictures"]
