"""Three hundred clients that send a byte a second, and one that does not: how long does the good one wait?

    ./dev sh tools/live-server python3 tools/teaching/slow-clients.py
"""

import os
import socket
import time
import urllib.request

api = os.environ["API"]
host, port = api.removeprefix("http://").split(":")
slow = [socket.create_connection((host, int(port))) for _ in range(300)]
for client in slow:
    client.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ")
for second in range(8):
    start = time.time()
    urllib.request.urlopen(api + "/healthz").read()
    print(f"second {second}: the good one waited {(time.time() - start) * 1000:.0f} ms")
    for client in slow:
        try:
            client.send(b"a")
        except OSError:
            pass
    time.sleep(1)
print("a slow one was told:", slow[0].recv(1000).split(b"\r\n")[0].decode())
