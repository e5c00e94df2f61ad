"""Targets of the figures, for one machine with two cores."""

from dataclasses import dataclass

from benchmarks.results import CaseResult, Summary

MILLION = ("rows", 1_000_000)
SINGLY = (("reports", 1),)
MARIADB, MYSQL = ("database", "mariadb"), ("database", "mysql")


@dataclass(frozen=True)
class Target:
    """A bound for one figure of a scenario, in some of its cases."""

    scenario: str
    figure: str
    bound: float
    at_least: bool = False
    parameters: tuple[tuple[str, object], ...] = ()
    """Parameters that a case must have; every case matches if there are none."""

    def applies_to(self, result: CaseResult, figure: str) -> bool:
        """Return whether the target is for this figure of this case."""
        return (self.scenario, self.figure) == (result.scenario, figure) and dict(
            self.parameters
        ).items() <= result.parameters.items()

    def is_met_by(self, value: float) -> bool:
        """Return whether a value is within the bound."""
        return value >= self.bound if self.at_least else value <= self.bound


TARGETS = (
    Target("send", "rate", 70_000, at_least=True, parameters=(MILLION, MARIADB)),
    Target("send", "rate", 52_000, at_least=True, parameters=(MILLION, MYSQL)),
    Target("send", "processor: all", 28, parameters=(MILLION, MARIADB)),
    Target("http", "rate", 20_000, at_least=True, parameters=(("latency", 0.0),)),
    Target("http", "rate", 15_000, at_least=True, parameters=(("latency", 0.05),)),
    Target("import", "rate", 100_000, at_least=True, parameters=(("way", "by path"), MARIADB)),
    *(
        Target(scenario, f"memory: {process}", megabytes)
        for scenario in ("send", "growth")
        for process, megabytes in {
            "api": 150,
            "api, importing": 150,
            "scheduler": 150,
            "sender-1": 200,
        }.items()
    ),
    Target("small", "due to first message, p99", 1_200, parameters=(("busy", False),)),
    Target("small", "due to first message, p99", 2_000, parameters=(("busy", True),)),
    Target("small", "due to last message, longest", 3_000, parameters=(("busy", True),)),
    Target("silence", "pause to silence, p99", 1_000),
    Target("silence", "cancel to silence, p99", 1_000),
    *(Target("api", f"{read}, sending, p99", 20) for read in ("progress", "one person")),
    *(
        target
        for screen in ("overview", "campaigns", "a campaign")
        for target in (
            Target("pages", f"{screen}, first load", 150),
            Target("pages", f"{screen}, p95", 200),
        )
    ),
    Target("pages", "a poll, largest", 5),
    Target("pages", "viewers' share of a core", 8, parameters=(("viewers", 200),)),
    Target("pages", "rate, followed / alone", 0.97, at_least=True),
    Target("pages", "reads of progress a second and process", 1),
    Target("flood", "healthz, p99", 200),
    Target("flood", "create, p99", 500),
    Target("flood", "unanswered, flooded", 0),
    Target("flood", "recovery", 2),
    Target("flood", "memory: api", 150),
    Target("callbacks", "rate", 2_000, at_least=True, parameters=SINGLY),
    Target("callbacks", "answer, p99", 250, parameters=(*SINGLY, ("rate", 2_000.0))),
    Target("callbacks", "reports", 30_000, at_least=True, parameters=(("reports", 100),)),
    Target("limits", "share of a core of the database", 5, parameters=(("senders", 64),)),
    Target("limits", "a lease, p99", 50, parameters=(("senders", 64),)),
    Target("rates", "statements", 50, parameters=(("campaigns", 1_000), ("senders", 1))),
    Target("limit-cost", "rate, limited / without", 0.97, at_least=True),
    Target("beside", "rate, beside / alone", 0.95, at_least=True),
    Target("rate-kept", "share of the rate", 0.97, at_least=True),
    Target("template-cost", "processor: sender, template / fixed", 1.05),
    Target("recovery", "seconds to nine tenths of it", 10),
)


def verdict(result: CaseResult, summary: Summary) -> str:
    """Describe a figure's target and whether its median meets it; empty without a target."""
    for target in TARGETS:
        if target.applies_to(result, summary.name):
            sign = "≥" if target.at_least else "≤"
            met = "met" if target.is_met_by(summary.median) else "missed"
            return f"{sign} {target.bound:,g} {met}"
    return ""
