from campaign_common.database.by_server import ByServer

ONE = ByServer(("main",))
THREE = ByServer(("main", "second", "third"), {2: 1, 3: 1, 5: 2})


def test_a_shard_that_is_not_named_lives_on_the_main_server() -> None:
    assert [THREE.of_shard(shard) for shard in (0, 2, 3, 4, 5, 99)] == [
        "main",
        "second",
        "second",
        "main",
        "third",
        "main",
    ]


def test_without_other_servers_everything_lives_on_the_main_one() -> None:
    assert ONE.holding(range(3)) == [("main", [0, 1, 2])]
    assert ONE.main == ONE.of_shard(7) == "main"


def test_shards_are_grouped_by_server() -> None:
    """Shards are grouped by server and servers without any are left out."""
    assert THREE.holding([5, 1, 0, 2]) == [("main", [1, 0]), ("second", [2]), ("third", [5])]
    assert THREE.holding([3]) == [("second", [3])]
    assert THREE.holding([]) == []


def test_every_server_has_its_share_also_where_that_is_nothing() -> None:
    assert THREE.shares(range(5)) == [("main", [0, 1, 4]), ("second", [2, 3]), ("third", [])]


def test_what_is_made_of_each_belongs_to_the_same_shards() -> None:
    lengths = THREE.each(len)
    assert lengths.all == (4, 6, 5)
    assert [lengths.of_shard(shard) for shard in (0, 2, 5)] == [4, 6, 5]
