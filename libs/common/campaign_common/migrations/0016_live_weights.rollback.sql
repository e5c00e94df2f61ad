ALTER TABLE sender_heartbeats DROP COLUMN routes;
DROP TABLE IF EXISTS route_weights;
