"""/v1/campaigns/{id}/messages and /errors: the messages of a campaign, and their error codes."""

from typing import Any

from flask import Response

from campaign_api.messages.campaign_messages import CampaignMessages
from campaign_api.messages.error_counts import ErrorCounts
from campaign_api.messages.message_export import CsvFile, ExportFile, JsonLinesFile
from campaign_api.messages.message_pages import MessageFilter, PagePosition
from campaign_api.messages.parquet_file import ParquetFile
from campaign_api.schemas.campaigns.errors import CampaignErrors, ErrorParameters
from campaign_api.schemas.message import (
    CampaignMessagePage,
    CampaignMessageParameters,
    MessageFilterParameters,
)
from campaign_api.web.http.paging import Page, page_response
from campaign_api.web.routing.resource import Resource
from campaign_api.web.routing.view_metadata import LimitedWork
from campaign_common.domain.campaign import CampaignId


def _export(words: str, file: type[ExportFile], schema: dict[str, str]) -> dict[str, Any]:
    """Describe the response that is a file."""
    media_type = file.content_type.partition(";")[0]
    return {"200": {"description": words, "content": {media_type: {"schema": schema}}}}


TEXT = {"type": "string"}
BINARY = {"type": "string", "format": "binary"}
CSV = _export("The messages, as CSV.", CsvFile, TEXT)
JSONL = _export("The messages, an object a line.", JsonLinesFile, TEXT)
PARQUET = _export("The messages, as Parquet.", ParquetFile, BINARY)


def resource(messages: CampaignMessages, counts: ErrorCounts) -> Resource:
    """Build the routes."""
    routes = Resource(
        "campaign messages",
        __name__,
        url_prefix="/v1/campaigns/<int:campaign_id>",
        description="Messages of a campaign.",
    )

    @routes.get("/messages")
    @routes.arguments(CampaignMessageParameters, location="query")
    @routes.response(200, CampaignMessagePage)
    @routes.problems(404, 422)
    def read(parameters: dict[str, Any], campaign_id: CampaignId) -> Response:
        """List the messages of a campaign, one per recipient.

        A page ends after 50,000 recipients, however few of them match: it may be short or empty;
        continue with `next_cursor`.
        """
        wanted: MessageFilter = parameters["wanted"]
        position: PagePosition = parameters["cursor"]
        if "phone" in parameters:
            page = messages.of_person(campaign_id, wanted, parameters["phone"])
        else:
            page = messages.page(campaign_id, wanted, position, parameters["limit"])
        return page_response("messages", Page(page.items, page.next))

    _add_exports(routes, messages)

    @routes.get("/errors")
    @routes.arguments(ErrorParameters, location="query")
    @routes.response(200, CampaignErrors)
    @routes.problems(404, 422)
    def errors(parameters: dict[str, Any], campaign_id: CampaignId) -> Response:
        """Count the messages of a campaign that were not sent, by status and error code.

        And those that were not delivered, by the code of their receipt. Of a list with more than
        200,000 recipients, a page counts a part that lies evenly over it; continue with
        `next_cursor`, and add up the pages.
        """
        (part,) = parameters.get("cursor", (0,))
        page = counts.page(campaign_id, part)
        more = CampaignErrors().dump(page.described)
        next_key = None if page.next_part is None else (page.next_part,)
        return page_response("errors", Page(more.pop("errors"), next_key), **more)

    return routes


def _add_exports(routes: Resource, messages: CampaignMessages) -> None:
    """Add the files; an error that interrupts one ends the connection without the last chunk."""

    @routes.get("/messages.csv")
    @routes.limit_concurrency(LimitedWork.EXPORT)
    @routes.arguments(MessageFilterParameters, location="query")
    @routes.doc(responses=CSV)
    @routes.problems(404, 422)
    def export_csv(parameters: dict[str, Any], campaign_id: CampaignId) -> Response:
        """Return the messages of a campaign as CSV.

        A cell that a spreadsheet would run as a formula (=, +, -, @, tab, line break) begins with
        an apostrophe. When an error interrupts the file, the connection ends without the last
        chunk.
        """
        return export_response(messages, campaign_id, parameters["wanted"], CsvFile())

    @routes.get("/messages.jsonl")
    @routes.limit_concurrency(LimitedWork.EXPORT)
    @routes.arguments(MessageFilterParameters, location="query")
    @routes.doc(responses=JSONL)
    @routes.problems(404, 422)
    def export_jsonl(parameters: dict[str, Any], campaign_id: CampaignId) -> Response:
        """Return the messages of a campaign as JSON Lines.

        With the columns of the CSV; a value is as it is stored, and null where there is none. An
        interrupted file ends as a CSV does.
        """
        return export_response(messages, campaign_id, parameters["wanted"], JsonLinesFile())

    @routes.get("/messages.parquet")
    @routes.limit_concurrency(LimitedWork.EXPORT)
    @routes.arguments(MessageFilterParameters, location="query")
    @routes.doc(responses=PARQUET)
    @routes.problems(404, 422, 501)
    def export_parquet(parameters: dict[str, Any], campaign_id: CampaignId) -> Response:
        """Return the messages of a campaign as Parquet.

        With the columns of the CSV. A 501 says that the API is installed without the extra
        `parquet`. An interrupted file ends as a CSV does, and has no footer.
        """
        return export_response(messages, campaign_id, parameters["wanted"], ParquetFile())


def export_response(
    messages: CampaignMessages, campaign_id: CampaignId, wanted: MessageFilter, file: ExportFile
) -> Response:
    """Build the response whose body is a file with messages."""
    pieces = messages.export(campaign_id, wanted, file)
    response = Response(pieces, content_type=file.content_type)
    name = f"campaign-{campaign_id}-messages.{file.suffix}"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
