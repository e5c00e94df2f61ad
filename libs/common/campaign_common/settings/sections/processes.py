"""Scheduler, Sender, Import, Api, Tracing, Log: the pace and the bounds of the processes."""

from typing import Literal

from campaign_common.settings.declaration import key, section_class
from campaign_common.settings.fields.http import CollectorUrl
from campaign_common.settings.fields.plain import Choice, Duration, Int


@section_class
class SchedulerSettings:
    """The scheduler's pace."""

    poll_interval: float = key("PollInterval", Duration("10ms", "1m"), default="250ms")
    """The interval at which due campaigns are looked for."""
    lease: float = key("Lease", Duration("1s", "1h"), default="10s")
    """A scheduler that is silent for so long loses its campaigns to another one."""
    chunk_size: int = key("ChunkSize", Int(1, 50_000), default=10_000)
    """Recipients read and published at a time."""
    window: float = key("Window", Duration("500ms", "10m"), default="1s")
    """Seconds of a campaign's recent rate that may be published and wait for a sender. A longer
    window evens out more; with a shorter one small campaigns wait less behind big ones."""
    standstill: float = key("Standstill", Duration("1s", "24h"), default="1m")
    """The time without any outcome after which a running campaign is examined for lost records.
    These are then published again."""


@section_class
class SenderSettings:
    """Upper bounds of one sender."""

    in_flight: int = key("InFlight", Int(1, 100_000), default=8_000)
    """Messages of one process that are claimed and not yet recorded, at most. A sender claims what
    its connections carry and about 0.25 s of its rate; that is in doubt when the process is
    lost."""
    batch_size: int = key("BatchSize", Int(1, 20_000), default=4_000)
    """Records fetched at a time, and about as many recorded in one transaction."""


@section_class
class ImportSettings:
    """Bounds of the CSV import."""

    batch_rows: int = key("BatchRows", Int(1, 20_000), default=5_000)
    """Rows stored in one transaction."""
    max_line_bytes: int = key("MaxLineBytes", Int(256, 1_048_576, unit="bytes"), default=65_536)
    """A longer line is a reject."""
    max_columns: int = key("MaxColumns", Int(2, 1_000), default=64)
    """A header with more columns is refused."""
    max_field_length: int = key("MaxFieldLength", Int(16, 65_536, unit="characters"), default=1_024)
    """A row with a longer field is a reject."""


@section_class
class ApiSettings:
    """Bounds of what clients of the API may ask for."""

    max_body_bytes: int = key(
        "MaxBodyBytes", Int(1_024, 16 * 1024**2, unit="bytes"), default=256 * 1024
    )
    """A larger request that is no upload is a 413."""
    max_upload_bytes: int = key(
        "MaxUploadBytes", Int(1_024, 1024**4, unit="bytes"), default=4 * 1024**3
    )
    """A larger recipient list is a 413."""
    max_upload_rows: int = key("MaxUploadRows", Int(1, 2**32 - 1), default=10_000_000)
    """An upload with more data rows is a 413."""
    max_imports: int = key("MaxImports", Int(1, 1_024), default=8)
    """Imports that one process runs at a time; further uploads are a 429, and `/v1/camp/create`
    with a file of more than 64 KiB waits 2 s before it is one. See below."""
    max_template_length: int = key(
        "MaxTemplateLength", Int(1, 16_000, unit="characters"), default=16_000
    )
    """A longer template is refused."""
    max_page_size: int = key("MaxPageSize", Int(1, 1_000), default=1_000)
    """Items of one page; a larger `limit` is a 422."""
    max_headers: int = key("MaxHeaders", Int(8, 1_000), default=64)
    """A request with more header lines is refused."""
    requests_per_minute: int = key("RequestsPerMinute", Int(1, 10_000_000), default=6_000)
    """Requests of one API key, or of one session of a person at the dashboard, in each process;
    further ones are a 429."""
    test_messages_per_minute: int = key("TestMessagesPerMinute", Int(1, 10_000_000), default=30)
    """Test messages and provider checks of one API key, in each process; further ones are a 429."""


@section_class
class TracingSettings:
    """The receiver of traces."""

    endpoint: str | None = key("Endpoint", CollectorUrl("http://collector:4318"), default=None)
    """The base URL of an OTLP/HTTP receiver, such as http://collector:4318; `null`: nothing is
    traced. `/v1/traces` is added; see [traces](../operations/tracing.md)."""


@section_class
class LogSettings:
    """The level and the form of logs."""

    level: Literal["debug", "info", "warning", "error"] = key(
        "Level", Choice("debug", "info", "warning", "error"), default="info"
    )
    """The lowest level that is logged, to standard error."""
    format: Literal["auto", "json", "text"] = key(
        "Format", Choice("auto", "json", "text"), default="auto"
    )
    """The form of a line; `auto` is text on a terminal and JSON everywhere else."""
