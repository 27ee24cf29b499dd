"""Limits that keep a misbehaving peer from taking all memory, where no option of a session or transport sets them.

They are looked up when used, so a program sets one by assigning to it before it connects:

```python
import mcp.shared.limits

mcp.shared.limits.MAX_LINE_LENGTH = 8 * 1024 * 1024
```

Each is far above what well-behaved peers need.
"""

MAX_LINE_LENGTH = 128 * 1024 * 1024
"""Bytes that one message of the stdio transports may have; a longer line is refused and skipped."""

MAX_EVENT_SIZE = 128 * 1024 * 1024
"""Bytes that one server-sent event may have; the request that waits for a larger one fails with a `ProtocolError`."""

MAX_REQUESTS_IN_FLIGHT = 1000
"""Requests of the peer that one session works on, or whose answers it cannot get rid of; a further one is refused with
the error -32603 `Too many requests in flight`."""
