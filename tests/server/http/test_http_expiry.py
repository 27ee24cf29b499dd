"""The queue of sessions that expire. No clock, no event loop."""

from mcp.server._http.expiry import ExpiryQueue


def test_sessions_are_due_in_order_of_time() -> None:
    """TSV-77"""
    queue = ExpiryQueue()
    assert queue.next is None
    queue.put("b", 2.0)
    queue.put("a", 1.0)
    queue.put("c", 3.0)
    assert queue.next == 1.0
    assert queue.due(0.5) == []
    assert queue.due(2.0) == ["a", "b"]
    assert queue.next == 3.0
    assert len(queue) == 1


def test_only_the_last_time_counts() -> None:
    queue = ExpiryQueue()
    queue.put("a", 1.0)
    queue.put("a", 5.0)
    assert queue.due(4.0) == []
    assert queue.due(5.0) == ["a"]
    assert queue.next is None


def test_discarded_sessions_leave_nothing() -> None:
    queue = ExpiryQueue()
    for number in range(1000):
        queue.put(str(number), float(number))
    for number in range(1, 1000):
        queue.discard(str(number))
    queue.discard("unknown")
    assert len(queue._heap) < 100
    assert queue.due(2000.0) == ["0"]
    assert queue.next is None
