"""Metrics of responses by route: the template, never the path, which clients choose."""

import time

from flask import Flask, Response, g, request

from campaign_api.metrics import RequestMetrics


def register(app: Flask, metrics: RequestMetrics) -> None:
    """Count every request of `app`; `access_log` has noted when it began."""

    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else None
        seconds = time.monotonic() - g.began
        metrics.answered(request.method, route, response.status_code, seconds)
        return response

    app.after_request(count)
