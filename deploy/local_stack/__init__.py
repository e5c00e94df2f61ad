"""Real Kafka, MariaDB and MySQL on a bare machine: no container, no root, ports of their own."""
