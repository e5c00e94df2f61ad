"""What is in order, what is not, and the command that mends it; nothing here changes anything."""

from campaign_common.doctor.examination import examine
from campaign_common.doctor.finding import Finding, Verdict

__all__ = ["Finding", "Verdict", "examine"]
