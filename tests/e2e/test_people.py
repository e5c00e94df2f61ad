"""One person among many, by HTTP: tried out on, looked up, exported, erased."""

from typing import Any

import pytest
import requests

from tests.support.services.system import System
from tests.support.waiting import wait_until

CAMPAIGN = 1000000000
RECIPIENTS = 2_000
PHONES = [str(13961467500 + n) for n in range(RECIPIENTS)]
CSV = "".join(f"user{n},{phone}\n" for n, phone in enumerate(PHONES))
PERSON = RECIPIENTS - 1
SLOW = {"Latency": {"Distribution": "uniform", "Mean": "100ms", "Spread": "90ms"}}
HELD = {"InFlight": 50, "BatchSize": 50}

MANY = 300_000

DIGITS = " CROSS JOIN ".join(
    f"(SELECT 0 d UNION ALL {' UNION ALL '.join(f'SELECT {n}' for n in range(1, 10))}) t{place}"
    for place in range(6)
)

INSERT_MANY = f"""
INSERT INTO recipients (list_id, seq, phone, name)
SELECT %s, n, 15000000000 + n, CONCAT('somebody with a long name ', n) FROM (
  SELECT 100000 + t0.d + 10*t1.d + 100*t2.d + 1000*t3.d + 10000*t4.d + 100000*t5.d AS n
  FROM {DIGITS}
) numbers WHERE n < 100000 + {MANY}
"""


def get(system: System, path: str) -> Any:  # noqa: ANN401 - any JSON
    answer = requests.get(f"{system.url}/v1/{path}", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_person_is_tried_out_on_looked_up_and_exported(system: System) -> None:
    system.write_csv(CSV)
    with system.services():
        system.create(CAMPAIGN, "recipients.csv")
        system.wait_until_finished(CAMPAIGN)
        before = get(system, f"campaigns/{CAMPAIGN}")["counts"]
        tried = requests.post(
            f"{system.url}/v1/campaigns/{CAMPAIGN}/test",
            json={"phone": PHONES[0], "attributes": {"name": "Ann"}},
            timeout=30,
        )
        assert tried.status_code == 200, tried.text
        assert tried.json()["status"] == "sent"
        assert tried.json()["provider_message_id"] == f"sim-test-{tried.json()['id']}"
        assert get(system, f"campaigns/{CAMPAIGN}")["counts"] == before
        (message,) = get(system, f"messages?phone={PHONES[7]}")["messages"]
        assert (message["campaign_id"], message["status"]) == (CAMPAIGN, "sent")
        stats = get(system, "stats")
        assert stats["messages"]["sent"] == stats["messages"]["total"] == RECIPIENTS
        (sender,) = stats["senders"]
        assert sender["shards"] == sender["partitions"] == list(range(8))
        csv = requests.get(f"{system.url}/v1/campaigns/{CAMPAIGN}/messages.csv", timeout=30)
        assert len(csv.text.splitlines()) == RECIPIENTS + 1
        assert {phone for phone in PHONES if f",{phone}," not in csv.text} == set()


def test_an_erased_person_is_not_written_to_and_counts_add_up(system: System) -> None:
    system.configure(Simulated=SLOW, Sender=HELD, Scheduler={"Lease": "3s", "ChunkSize": 500})
    system.write_csv(CSV + "bad row,139\n" + f"twice,0{PHONES[PERSON]}00000\n")
    with system.services():
        system.create(CAMPAIGN, "recipients.csv")
        wait_until(lambda: get(system, f"campaigns/{CAMPAIGN}")["counts"]["sent"] > 20)
        erased = requests.delete(f"{system.url}/v1/recipients/{PHONES[PERSON]}", timeout=30)
        assert erased.status_code == 202, erased.text
        system.wait_until_finished(CAMPAIGN)
        counts = get(system, f"campaigns/{CAMPAIGN}")["counts"]
        assert {word: n for word, n in counts.items() if n} == {
            "sent": RECIPIENTS - 1,
            "cancelled": 1,
        }
        assert get(system, f"messages?phone={PHONES[PERSON]}")["messages"] == []
        wait_until(lambda: system.rows("SELECT COUNT(ended_at) FROM erasures") == ((1,),))
    for table in ("recipients", "recipient_rejects", "erasures", "trial_messages"):
        with system.database.reading() as cursor:
            cursor.execute(f"SELECT * FROM {table}")
            assert PHONES[PERSON] not in str(cursor.fetchall()), table
    logs = system.logs()
    assert PHONES[PERSON] not in logs


def test_an_export_that_fails_on_the_way_breaks_off(system: System) -> None:
    system.write_csv(CSV)
    with system.services():
        system.create(CAMPAIGN, "recipients.csv")
        system.wait_until_finished(CAMPAIGN)
        with system.database.transaction(timeout=60) as cursor:
            cursor.execute("SELECT list_id FROM campaigns")
            ((list_id,),) = cursor.fetchall()
            cursor.execute(INSERT_MANY, (list_id,))
            cursor.execute("UPDATE campaigns SET last_seq = 1000000")
        url = f"{system.url}/v1/campaigns/{CAMPAIGN}/messages.csv"
        with requests.get(url, stream=True, timeout=60) as answer:
            assert answer.status_code == 200
            pieces = answer.iter_content(10_000)
            next(pieces)
            with system.database.transaction() as cursor:
                cursor.execute("RENAME TABLE recipients TO gone")
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                for _ in pieces:
                    pass
