from local_stack.configuration import without_addresses


def test_no_variable_of_the_users_shell_leads_to_another_server() -> None:
    leftovers = {
        "CAMP__MYSQL__DSN": "root@tcp(production)/camp",
        "camp__mysql__dsn_file": "/run/secrets/dsn",
        "CAMP__SYNCCLIENT__BROKERS": "production:9092",
        "CAMP__SENDCLIENT__BROKERS": "production:9092",
        "CAMP__PORT": "80",
        "CAMP__HOST_FILE": "/host",
        "CAMP__CSVROOT": "/",
    }
    kept = {"CAMP__SENDER__BATCHSIZE": "100", "PATH": "/bin", "MYSQL": "x"}
    assert without_addresses({**leftovers, **kept}) == kept
