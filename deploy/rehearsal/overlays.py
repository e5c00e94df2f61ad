"""The rehearsal of each overlay: its steps on a fresh cluster, in order."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from rehearsal.stage import Stage
from rehearsal.steps import (
    autoscaling,
    evicting,
    installing,
    reconfiguring,
    refusing,
    scaling,
)

Step = Callable[[Stage], None]

REHEARSALS: Mapping[str, Sequence[Step]] = {
    "local": (
        installing.make_namespace,
        partial(installing.try_out, overlay="local"),
        partial(installing.install, overlay="local"),
        installing.install_servers,
        scaling.scale_by_hand,
        scaling.apply_again,
        scaling.change_the_manifest,
        refusing.refuse_pods,
        partial(installing.compare, overlay="local"),
        partial(installing.remove, overlay="local"),
    ),
    "production": (
        installing.make_secrets,
        partial(installing.try_out, overlay="production"),
        partial(installing.install, overlay="production"),
        reconfiguring.change_the_configuration,
        reconfiguring.go_back,
        reconfiguring.change_a_job,
        reconfiguring.restart,
        evicting.drain_nodes,
        partial(installing.compare, overlay="production"),
    ),
    "hpa": (
        installing.make_secrets,
        partial(installing.try_out, overlay="hpa"),
        partial(installing.install, overlay="hpa"),
        autoscaling.scale_beyond_the_bounds,
        partial(autoscaling.apply_autoscaled_again, overlay="hpa"),
        partial(installing.compare, overlay="hpa"),
        autoscaling.move_back,
        autoscaling.move_over,
    ),
    "keda": (
        installing.make_secrets,
        autoscaling.miss_keda,
        autoscaling.scale_by_lag,
    ),
}
