from __future__ import annotations

from emmett.centrifuge.pings import STRETCH, TICK, Pings


class Pinged:
    def __init__(self) -> None:
        self.is_over = False
        self.seen: list[str] = []

    def ping(self) -> None:
        self.seen.append("ping")

    def miss_pong(self) -> None:
        self.seen.append("missed")


def make() -> Pings:
    return Pings(25.0, 8.0, uniform=lambda least, most: most)


def test_a_client_that_answers_is_pinged_on_schedule() -> None:
    pings, client = make(), Pinged()
    pings.add(client, 0.0)
    for second in range(1, 101):
        pings.look(float(second))
        if second in (26, 51, 76):
            pings.pong(client)
    assert client.seen == ["ping"] * 4


def test_a_client_that_does_not_answer_is_reported_once() -> None:
    pings, client = make(), Pinged()
    pings.add(client, 0.0)
    pings.look(25.0)
    pings.look(32.9)
    assert client.seen == ["ping"]
    pings.look(33.0)
    pings.look(500.0)
    assert client.seen == ["ping", "missed"]
    assert len(pings) == 0


def test_a_client_that_has_left_is_forgotten() -> None:
    pings, client = make(), Pinged()
    pings.add(client, 0.0)
    client.is_over = True
    pings.remove(client)
    pings.look(25.0)
    assert client.seen == []
    assert len(pings) == 0


def test_the_clients_of_one_look_are_limited() -> None:
    pings = make()
    clients = [Pinged() for _ in range(STRETCH + 1)]
    for client in clients:
        pings.add(client, 0.0)
    assert pings.look(25.0) is True
    assert sum(len(client.seen) for client in clients) == STRETCH
    assert pings.look(25.0) is False
    assert sum(len(client.seen) for client in clients) == STRETCH + 1


def test_clients_that_connect_together_are_pinged_at_different_times() -> None:
    pings = Pings(20.0, 8.0)
    clients = [Pinged() for _ in range(200)]
    for client in clients:
        pings.add(client, 0.0)
    pings.look(9.9)
    assert not any(client.seen for client in clients)
    pings.look(15.0)
    assert 0 < sum(len(client.seen) for client in clients) < 200
    pings.look(20.1)
    assert sum(client.seen.count("ping") for client in clients) == 200


def test_short_intervals_are_checked_more_often() -> None:
    assert make().tick == TICK
    assert Pings(1.0, 0.4).tick == 0.1
