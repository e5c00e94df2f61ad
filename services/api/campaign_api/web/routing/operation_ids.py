"""Names of the operations in the OpenAPI document, which generated clients call them by."""

from typing import Any

OPERATION_IDS = {
    "POST /v1/camp/create": "create_numbered_campaign",
    "POST /v1/campaigns": "create_campaign",
    "GET /v1/campaigns": "list_campaigns",
    "GET /v1/campaigns/{campaign_id}": "get_campaign",
    "PATCH /v1/campaigns/{campaign_id}": "change_campaign",
    "DELETE /v1/campaigns/{campaign_id}": "delete_campaign",
    "GET /v1/campaigns/{campaign_id}/progress": "get_campaign_progress",
    "POST /v1/campaigns/{campaign_id}/schedule": "schedule_campaign",
    "POST /v1/campaigns/{campaign_id}/start": "start_campaign",
    "POST /v1/campaigns/{campaign_id}/clone": "clone_campaign",
    "POST /v1/campaigns/{campaign_id}/pause": "pause_campaign",
    "POST /v1/campaigns/{campaign_id}/resume": "resume_campaign",
    "POST /v1/campaigns/{campaign_id}/cancel": "cancel_campaign",
    "POST /v1/campaigns/{campaign_id}/retry": "retry_campaign_messages",
    "POST /v1/campaigns/{campaign_id}/preview": "preview_campaign",
    "POST /v1/campaigns/{campaign_id}/dry-run": "dry_run_campaign",
    "GET /v1/campaigns/{campaign_id}/events": "list_campaign_events",
    "GET /v1/campaigns/{campaign_id}/errors": "list_campaign_errors",
    "GET /v1/campaigns/{campaign_id}/samples": "list_campaign_samples",
    "GET /v1/events": "list_events",
    "GET /v1/campaigns/{campaign_id}/messages": "list_campaign_messages",
    "GET /v1/campaigns/{campaign_id}/messages.csv": "export_campaign_messages",
    "POST /v1/campaigns/{campaign_id}/test": "send_test_message",
    "GET /v1/campaigns/{campaign_id}/test/{test_id}": "get_test_message",
    "POST /v1/previews": "preview_content",
    "POST /v1/recipient-lists": "create_recipient_list",
    "GET /v1/recipient-lists": "list_recipient_lists",
    "GET /v1/recipient-lists/{list_id}": "get_recipient_list",
    "DELETE /v1/recipient-lists/{list_id}": "delete_recipient_list",
    "GET /v1/recipient-lists/{list_id}/recipients": "list_recipients",
    "GET /v1/recipient-lists/{list_id}/rejects": "list_rejects",
    "GET /v1/recipient-lists/{list_id}/rejects.csv": "export_rejects",
    "GET /v1/messages": "list_messages",
    "GET /v1/recipients/{phone}": "get_recipient",
    "DELETE /v1/recipients/{phone}": "erase_recipient",
    "GET /v1/inbound": "list_inbound_messages",
    "GET /v1/suppressions": "list_suppressions",
    "POST /v1/suppressions": "add_suppression",
    "GET /v1/suppressions.csv": "export_suppressions",
    "POST /v1/suppressions.csv": "import_suppressions",
    "GET /v1/suppressions/{phone}": "get_suppressions",
    "DELETE /v1/suppressions/{phone}": "remove_suppression",
    "GET /v1/providers": "list_providers",
    "GET /v1/providers/{provider}": "get_provider",
    "GET /v1/providers/{provider}/limits": "get_provider_limits",
    "PUT /v1/providers/{provider}/limits": "set_provider_limits",
    "DELETE /v1/providers/{provider}/limits": "delete_provider_limits",
    "GET /v1/routes": "list_routes",
    "GET /v1/routes/{name}": "get_route",
    "PUT /v1/routes/{name}": "set_route_weights",
    "DELETE /v1/routes/{name}": "delete_route_weights",
    "POST /v1/providers/{provider}/checks": "check_provider",
    "GET /v1/providers/{provider}/checks/{check_id}": "get_provider_check",
    "GET /v1/stats": "get_stats",
    "GET /v1/whoami": "get_whoami",
    "GET /v1/api-keys": "list_api_keys",
    "POST /v1/api-keys": "create_api_key",
    "DELETE /v1/api-keys/{key_id}": "revoke_api_key",
    "GET /healthz": "get_health",
    "GET /readyz": "get_readiness",
    "GET /v1/callbacks/{provider}": "confirm_callback",
    "POST /v1/callbacks/{provider}": "receive_callback",
    "GET /v1/inbound/{provider}": "confirm_inbound_callback",
    "POST /v1/inbound/{provider}": "receive_inbound_message",
    "GET /u/{reference}": "show_unsubscribe_page",
    "POST /u/{reference}": "unsubscribe",
}

METHODS = frozenset({"get", "put", "post", "delete", "patch"})


def name_operations(paths: dict[str, Any]) -> None:
    """Give every operation of a document's paths its name; one of no name here is not named."""
    for path, operations in paths.items():
        for method in METHODS & operations.keys():
            name = OPERATION_IDS.get(f"{method.upper()} {path}")
            if name is not None:
                operations[method]["operationId"] = name
