"""Composition root of a sender process: every part, wired, and the order of start and stop."""

import os
import socket
import threading
import time
from collections.abc import Collection, Mapping
from functools import partial
from secrets import token_hex

import structlog
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry

from campaign_common.database import Databases, ShardServer
from campaign_common.domain.campaign import CampaignId
from campaign_common.domain.routing.routes import Routes
from campaign_common.domain.suppressions.change_log_position import longest_transaction
from campaign_common.health.checks import HealthMonitor
from campaign_common.kafka import clients, topics
from campaign_common.kafka.dead_letters import dead_letter_topic
from campaign_common.runtime.boot_time import boot_time
from campaign_common.runtime.periodic_thread import PeriodicThread
from campaign_common.runtime.service import end_within
from campaign_common.settings import Settings
from campaign_common.settings.provider_digest import describe_provider
from campaign_providers.callbacks.reporting_providers import (
    providers_found_by_id,
    reporting_providers,
)
from campaign_providers.registry import configured_providers, provider_checks
from campaign_sender import metrics
from campaign_sender.admission.batch_admitter import BatchAdmitter
from campaign_sender.admission.provider_choice import ProviderChoice
from campaign_sender.consuming import consumer_lag, log_retention
from campaign_sender.consuming.backpressure import Backpressure
from campaign_sender.consuming.consumer_lag import ConsumerLag
from campaign_sender.consuming.consumer_loop import ConsumerLoop
from campaign_sender.consuming.dead_letters import DeadLetterPublisher
from campaign_sender.consuming.log_retention import LogRetention
from campaign_sender.consuming.record_decoder import RecordDecoder
from campaign_sender.delivery import breaker_sync
from campaign_sender.delivery.breaker_sync import BreakerSync
from campaign_sender.delivery.circuit_breaker import BreakerPolicy, CircuitBreaker
from campaign_sender.delivery.dispatcher import Dispatcher
from campaign_sender.delivery.held_suppressions import HeldSuppressions
from campaign_sender.delivery.pacer import Pacer
from campaign_sender.delivery.provider_checks import ProviderChecks
from campaign_sender.delivery.send_guard import SendGuard
from campaign_sender.delivery.send_guard_thread import SendGuardThread
from campaign_sender.in_flight.backlog import Backlogs
from campaign_sender.in_flight.buffer import InFlightBuffer
from campaign_sender.in_flight.claim_window import ClaimWindows
from campaign_sender.in_flight.funds import Funds
from campaign_sender.limiting.budget_leases import BudgetLeases
from campaign_sender.limiting.campaign_paces import CampaignPaces
from campaign_sender.limiting.campaign_rate import CampaignRate
from campaign_sender.limiting.database_clock import DatabaseClock
from campaign_sender.limiting.limit_leases import LimitLeases, Load
from campaign_sender.limiting.provider_limiter import ProviderLimiter
from campaign_sender.limiting.rate_leases import RateLeases
from campaign_sender.message import Message
from campaign_sender.ownership.blocked_partitions import BLOCK_TIMEOUT, BlockedPartitions
from campaign_sender.ownership.group_member import GroupMember
from campaign_sender.ownership.shard_groups import ShardGroup, ShardGroups, require_fresh_views
from campaign_sender.ownership.shard_ownership import ShardOwnership
from campaign_sender.recording.answered_suppressions import AnsweredSuppressions
from campaign_sender.recording.outcome_policy import OutcomePolicy
from campaign_sender.recording.recorded_ids import RecordedIds
from campaign_sender.recording.recorder import Recorder
from campaign_sender.recording.shard_commands import ShardCommands
from campaign_sender.single.single_sends import SingleSends
from campaign_sender.telemetry.gauges import SenderGauges
from campaign_sender.telemetry.heartbeat import sender_heartbeat
from campaign_sender.telemetry.recent_statistics import RecentStatistics
from campaign_sender.tracing import BatchTraces

LONGEST_HOST = 48
"""Characters of the host name that go into the process name."""

GROUP_LEAVING = 2.0
"""Seconds of DrainTimeout kept for leaving the group; a tenth of a shorter one."""

UNCLAIMED_CHECK_INTERVAL = 1.0
"""Seconds between two checks of what waits for grants: messages that must not be sent any more end,
and make room. What is sent is checked immediately before, whatever this interval."""

log = structlog.get_logger()


class Sender:
    """All parts of one sender process; `run` returns after an orderly stop."""

    def __init__(
        self,
        settings: Settings,
        databases: Databases,
        health: HealthMonitor,
        registry: CollectorRegistry,
        stop: threading.Event,
        tracer: Tracer | None,
    ) -> None:
        self._health = health
        self._drain_timeout = settings.drain_timeout
        topic = settings.sync_client.topic
        name = _process_name()
        admin = clients.admin(settings)
        protocol = clients.group_protocol(settings, admin)
        topics.create_dead_letters(admin, dead_letter_topic(topic))
        log.info("joining the group", group=settings.send_client.group, protocol=protocol)
        self._consumer = GroupMember(partial(clients.consumer, settings, protocol, name))
        providers = configured_providers(settings)
        routes = settings.routes
        traces = BatchTraces(tracer) if tracer is not None else None
        sender_id = token_hex(8)
        clock = DatabaseClock(boot_time)
        self._paces = CampaignPaces(lambda campaign: CampaignRate(campaign, sender_id, clock))
        prices = {one: each.price for one, each in settings.configured_providers.items()}
        self._budgets = BudgetLeases(
            databases.main,
            name,
            prices,
            self._first_unfunded,
            self._queue_unfunded,
            boot_time,
            self._campaigns_in_hand,
        )
        self._dispatcher = Dispatcher(self._paces, self._budgets)
        self._groups = ShardGroups(
            databases.shard_servers().each(
                lambda server: _shard_group(
                    server, self._dispatcher, self._paces, self._budgets, routes, settings, traces
                )
            )
        )
        self._dispatcher.connect(self._groups)
        limiters = {
            provider: ProviderLimiter(
                databases.main, provider, sender_id, configured.limits.limits, clock
            )
            for provider, configured in settings.configured_providers.items()
        }
        for provider, make in providers.items():
            breaker = CircuitBreaker(BreakerPolicy(), time.monotonic)
            self._dispatcher.add(provider, breaker, make, limiters[provider])
            metrics.begin_outcomes_at_zero(provider)
            metrics.POSSIBLE_DUPLICATES.labels(provider)
        limits = {one: each.limits.limits for one, each in settings.configured_providers.items()}
        self._single_sends = SingleSends(
            databases.main,
            providers,
            limits,
            write_suppressions=AnsweredSuppressions(
                databases.main,
                settings.originator_of,
                longest_transaction(settings.mysql.tran_timeout),
            ).write,
            limiters=limiters,
        )
        queues = self._single_sends.grant_queues + self._dispatcher.grant_queues
        self._pacer = Pacer(queues, self._wake_recorders)
        self._leases = LimitLeases(
            databases.main,
            sender_id,
            {provider: limiters[provider] for provider in providers},
            Load(self._waiting, self._groups.share, partial(self._groups.sender_shards, name)),
            routes,
            self._paces,
            clock,
        )
        self._rate_leases = RateLeases(
            databases.main,
            sender_id,
            self._paces,
            clock,
            self._waiting_of,
            self._dispatcher.note_grants,
        )
        self._unclaimed_checked_at: dict[ShardGroup, float] = {}
        self._guard_threads = [
            SendGuardThread(group.guard, partial(self._after_refresh, group), group.server.own.name)
            for group in self._groups.all
        ]
        health.add("providers", self._dispatcher.require_ready)
        health.add("send guard", partial(require_fresh_views, self._groups.all))
        health.add("limits", self._leases.require_in_time)
        health.add("rates", self._rate_leases.require_in_time)
        lag = ConsumerLag(admin, topic, self._groups)
        deletions = LogRetention(admin, topic, self._groups)
        breakers = BreakerSync(databases.main, self._dispatcher, name)
        self._background = (
            PeriodicThread("log-retention", log_retention.INTERVAL, deletions.skip_deleted),
            PeriodicThread("consumer-lag", consumer_lag.INTERVAL, lag.refresh),
            PeriodicThread("breaker-sync", breaker_sync.INTERVAL, breakers.sync),
        )
        self._checks = ProviderChecks(
            databases.main,
            provider_checks(settings),
            limits,
            self._dispatcher,
            name,
        )
        statistics = RecentStatistics(
            self._dispatcher.providers,
            {one: describe_provider(each) for one, each in settings.configured_providers.items()},
            time.monotonic,
        )
        self._heartbeat = sender_heartbeat(
            name,
            databases.main,
            self._dispatcher.problems,
            statistics.read,
            {route: each.described for route, each in settings.route_settings.items()},
        )
        blocked = BlockedPartitions(time.monotonic, BLOCK_TIMEOUT)
        self._ownership = ShardOwnership(
            self._consumer,
            self._groups,
            topic=topic,
            owner_name=name,
            drain_timeout=settings.drain_timeout - min(GROUP_LEAVING, settings.drain_timeout / 10),
            blocked=blocked,
        )
        dead_letters = DeadLetterPublisher(partial(clients.producer, settings), topic)
        self._loop = ConsumerLoop(
            self._consumer,
            self._ownership,
            RecordDecoder(self._groups, dead_letters, blocked, traces),
            [Backpressure(group) for group in self._groups.all],
            (
                *(group.recorder for group in self._groups.all),
                *self._guard_threads,
                self._dispatcher,
                self._pacer,
                self._leases,
                self._rate_leases,
                self._budgets,
            ),
            partial(health.beat, "consumer loop"),
            stop,
            batch_size=settings.sender.batch_size,
        )
        registry.register(metrics.COUNTERS)
        registry.register(SenderGauges(self._groups, self._dispatcher, lag))

    def _after_refresh(self, group: ShardGroup) -> None:
        group.commands.add(group.guard.shards_with_commands)
        self._end_unclaimed(group)
        in_use = self._leases.in_use
        group.buffer.postpone(in_use.providers, is_shared=in_use.campaigns > 1)
        self._dispatcher.retry_deferred(
            lambda message: self._groups.of_shard(message.record.shard) is group
        )

    def _end_unclaimed(self, group: ShardGroup) -> None:
        now = time.monotonic()
        if now - self._unclaimed_checked_at.get(group, 0.0) < UNCLAIMED_CHECK_INTERVAL:
            return
        self._unclaimed_checked_at[group] = now
        limited = self._dispatcher.providers_with_grants()
        rated = set(self._paces.rates)
        if limited or rated or group.buffer.first_unfunded():
            group.buffer.end_unclaimed(limited, rated, group.guard.check_before_send)

    def _first_unfunded(self) -> list[Message]:
        return [message for group in self._groups.all for message in group.buffer.first_unfunded()]

    def _campaigns_in_hand(self) -> set[CampaignId]:
        return set().union(*(group.buffer.campaigns() for group in self._groups.all))

    def _queue_unfunded(self) -> None:
        for group in self._groups.all:
            group.buffer.queue_unfunded()

    def _wake_recorders(self) -> None:
        for group in self._groups.all:
            group.buffer.wake()

    def _waiting(self, provider: str) -> int:
        """Return how many messages of a provider could be sent."""
        queue = self._dispatcher.providers[provider].provider_queue
        admitted = sum(group.buffer.admitted(provider) for group in self._groups.all)
        return admitted + (len(queue) if queue is not None else 0)

    def _waiting_of(self, campaigns: Collection[CampaignId]) -> Mapping[CampaignId, int]:
        """Return how many messages of campaigns with a rate could be sent."""
        waiting = self._dispatcher.waiting(campaigns)
        for group in self._groups.all:
            waiting.update(group.buffer.admitted_of(campaigns))
        return waiting

    def run(self) -> None:
        """Work until `stop` is set; then drain, record, commit, leave the group."""
        for guard_thread in self._guard_threads:
            guard_thread.start()
        for thread in self._background:
            thread.start()
        for group in self._groups.all:
            group.recorder.start()
        self._leases.start()
        self._rate_leases.start()
        self._budgets.start()
        self._pacer.start()
        self._single_sends.start()
        self._checks.start()
        self._heartbeat.start()
        self._health.started()
        try:
            self._loop.run()
            end_within(self._drain_timeout)
            self._ownership.release_all()
        finally:
            end_within(self._drain_timeout)  # counts where the loop ended by an error
            self._single_sends.stop()
            self._checks.stop()
            self._heartbeat.stop()
            self._pacer.stop()
            for group in self._groups.all:
                group.recorder.stop()
            self._rate_leases.stop()
            self._leases.stop()
            self._budgets.stop()
            for thread in self._background:
                thread.stop(wait=False)  # a request under way ends with the process
            for guard_thread in self._guard_threads:
                guard_thread.stop()
            self._dispatcher.close()
            self._consumer.close()


def _process_name() -> str:
    """Return the name of this process, at most 64 ASCII characters as its columns hold.

    The end of a long host name is kept: that is where names of pods differ.
    """
    host = socket.gethostname().encode("ascii", "replace").decode()
    return f"{host[-LONGEST_HOST:]}-{os.getpid()}"


def _least(*rates: float | None) -> float | None:
    return min((rate for rate in rates if rate is not None), default=None)


def _shard_group(
    server: ShardServer,
    dispatcher: Dispatcher,
    paces: CampaignPaces,
    funds: Funds,
    routes: Routes,
    settings: Settings,
    traces: BatchTraces | None,
) -> ShardGroup:
    """Make the shard group of a server; `Sender.InFlight` holds for each."""
    topic = settings.sync_client.topic
    bounds = ClaimWindows(
        dispatcher.connections_of,
        dispatcher.claimable,
        without_connections=settings.sender.batch_size,
        clock=time.monotonic,
        granted_to=dispatcher.claimable_of,
        cost_of=dispatcher.cost_of,
        paces=paces,
    )
    backlogs = Backlogs(
        dispatcher.rest_of,
        lambda provider: _least(bounds.rate(provider), dispatcher.limited_rate(provider)),
        dispatcher.note_postponed,
        clock=time.monotonic,
    )
    buffer = InFlightBuffer(
        in_flight=settings.sender.in_flight,
        batch_size=settings.sender.batch_size,
        bounds=bounds,
        backlogs=backlogs,
        funds=funds,
    )
    longest = longest_transaction(settings.mysql.tran_timeout)
    suppressions = HeldSuppressions(buffer, settings.originator_of, longest)
    guard = SendGuard(server, topic, buffer, paces=paces, suppressions=suppressions)
    currencies = {
        provider: None if configured.price is None else configured.price.currency
        for provider, configured in settings.configured_providers.items()
    }
    choice = ProviderChoice(
        routes,
        dispatcher.is_resting,
        dispatcher.idempotent_for,
        dispatcher.takes,
        dispatcher.rests_for,
        currencies,
    )
    admitter = BatchAdmitter(server, topic, buffer, guard, choice, dispatcher.unready, traces)
    commands = ShardCommands(server, buffer)
    reporting = reporting_providers(settings)
    ids = RecordedIds(providers_found_by_id(settings))
    policy = OutcomePolicy(settings.retry, choice, dispatcher.idempotent_for, reporting, ids)
    recorder = Recorder(server, buffer, dispatcher, guard, commands, policy, traces)
    return ShardGroup(server, buffer, guard, admitter, recorder, commands)
