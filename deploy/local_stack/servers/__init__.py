"""The server programs of the local stack: Kafka with its Java, MariaDB, MySQL, Prometheus."""
