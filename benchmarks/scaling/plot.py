"""Senders, lag, rate and sends in flight of the rehearsal in one picture."""

from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.report.plots import SECONDS, STYLE, svg
from benchmarks.results import Points, rates
from benchmarks.scaling.rule import Rule
from benchmarks.scaling.watching import History

SIZE = (8.0, 7.0)
RATE_SPAN = 2.0
"""Seconds that each rate covers."""


def draw(history: History, rule: Rule, hasten: float) -> bytes:
    """Draw the picture as SVG."""
    with rc_context(STYLE):
        figure = Figure(figsize=SIZE)
        senders, lag, rate, calls = figure.subplots(4, 1, sharex=True)
        senders.set_title(_title(hasten), fontsize="medium")
        senders.step(*_columns(history.wanted), where="post", label="asked for")
        senders.step(*_columns(history.working), where="post", label="with partitions")
        senders.set_ylabel("senders")
        senders.legend(loc="lower center", frameon=False)
        lag.plot(*_columns(history.lag), color="tab:red")
        lag.axhline(rule.lag_threshold, linestyle=":", color="gray", linewidth=1)
        lag.set_ylabel("lag, records")
        rate.plot(*_columns(rates(history.outcomes, RATE_SPAN)), color="tab:green")
        rate.set_ylabel("messages/s")
        calls.plot(*_columns(history.calls), color="tab:purple")
        calls.set_ylabel("sends in flight")
        calls.set_xlabel(SECONDS)
        for axes in (senders, lag, rate, calls):
            axes.set_ylim(bottom=0)
        figure.align_ylabels()
        return svg(figure)


def _title(hasten: float) -> str:
    if hasten == 1:
        return "the autoscaler's clock runs as in the manifest"
    return f"the autoscaler's clock runs {hasten:g} times as fast as in the manifest"


def _columns(points: Points) -> tuple[list[float], list[float]]:
    return [at for at, _ in points], [value for _, value in points]
