"""Checks of an installation, each with the command that repairs it; they change nothing."""

from campaign_admin.doctor.examination import examine
from campaign_admin.doctor.finding import CheckStatus, Finding

__all__ = ["CheckStatus", "Finding", "examine"]
