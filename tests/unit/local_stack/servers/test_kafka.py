from pathlib import Path

from local_stack.distributions.cache import Cache
from local_stack.servers.kafka import KafkaServer


def test_no_cluster_id_looks_like_an_option_on_a_command_line(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    ids = [KafkaServer(tmp_path, cache)._cluster_id for _ in range(500)]
    assert len(set(ids)) == 500
    assert not any(made.startswith("-") for made in ids)
