import socket

from local_stack.ports import free_port, is_free


def test_a_listening_port_is_taken_also_when_it_listens_everywhere() -> None:
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))  # noqa: S104
        listener.listen()
        assert not is_free(listener.getsockname()[1])


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))
