DROP TABLE IF EXISTS providers_left_alone;
DROP TABLE IF EXISTS webhook_deliveries;
DROP TABLE IF EXISTS webhooks;
DROP TABLE IF EXISTS outgoing_events;
