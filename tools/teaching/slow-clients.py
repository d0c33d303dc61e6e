"""Three hundred clients that send a byte a second, and two that do not: how long do the good ones wait?

    ./dev sh tools/live-server python3 tools/teaching/slow-clients.py
"""

import collections
import http.client
import os
import socket
import time

host, port = os.environ["API"].removeprefix("http://").split(":")


def wait(source):
    """How long a good client from this address waits for its answer."""
    start = time.time()
    try:
        client = http.client.HTTPConnection(host, int(port), timeout=5, source_address=(source, 0))
        client.request("GET", "/healthz")
        status = client.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"was turned away ({type(error).__name__})"
    return f"waited {(time.time() - start) * 1000:.0f} ms" if status == 200 else f"was told {status}"


def send(client, data):
    try:
        client.send(data)
    except OSError:
        pass  # it was turned away; its last answer is read below


def told(client):
    client.settimeout(0.1)
    try:
        return client.recv(1000).split(b"\r\n")[0].decode() or "nothing"
    except TimeoutError:
        return "nothing yet"
    except OSError as error:
        return type(error).__name__


slow = [socket.create_connection((host, int(port))) for _ in range(300)]
for client in slow:
    send(client, b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ")
for second in range(8):
    print(f"second {second}: the good one at their address {wait('127.0.0.1')}, another elsewhere {wait('127.0.0.2')}")
    for client in slow:
        send(client, b"a")
    time.sleep(1)
for answer, count in collections.Counter(map(told, slow)).most_common():
    print(f"{count} slow ones were told: {answer}")
