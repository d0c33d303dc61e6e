"""Fills Ann's book through the API and the pages, then times the pages. Run by tools/bench-pages beside tools/live-server."""

import http.client
import json
import os
import re
import statistics
import struct
import sys
import time
import urllib.parse
import zlib

GOAL = 20  # ms
HEAVIEST = 60_000  # bytes of a page with its style and script
count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
only = sys.argv[2:]
host = urllib.parse.urlparse(os.environ["API"]).netloc
line = http.client.HTTPConnection(host)
cookies = {}
token = ""


def ask(method, path, body=None, kind=None):
    """One request on the one connection: of the API with the token, of the pages with the cookies."""
    headers = {"Accept": "text/html", "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    if path.startswith("/api/"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
    if kind:
        headers["Content-Type"] = kind
    line.request(method, path, body, headers)
    answer = line.getresponse()
    content = answer.read()
    for cookie in answer.headers.get_all("Set-Cookie", []):
        name, value = cookie.split(";")[0].split("=", 1)
        cookies[name] = value
    assert answer.status < 400, (method, path, answer.status, content[:300])
    return answer.status, content


def api(method, path, body=None):
    return json.loads(ask(method, "/api" + path, None if body is None else json.dumps(body), "application/json")[1] or b"null")


def csrf(path):
    found = re.search(rb'name="csrf" value="([^"]*)"', ask("GET", path)[1])
    return found.group(1).decode() if found else ""  # before signing in a form has none


def post(path, page, **fields):
    form = urllib.parse.urlencode({"csrf": csrf(page), **fields}, doseq=True)
    return ask("POST", path, form, "application/x-www-form-urlencoded")


def upload(page, name, content):
    text = f'--cut\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{csrf(page)}\r\n--cut\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n{content}\r\n--cut--\r\n'
    return ask("POST", page, text.encode(), "multipart/form-data; boundary=cut")


FIRST = ["Олена", "Jürgen", "Grace", "Łukasz", "محمد", "Chloé", "Taras", "Ada", "山田", "Zoë", "Nadia", "Ivan", "Maya"]
LAST = ["Бондаренко", "Müller", "Hopper", "Żółć", "الأحمد", "Dupont", "Shevchenko", "Lovelace", "太郎", "Ødegård", "Haddad"]
LABELS = ["family", "work", "choir", "Kyiv", "neighbours", "school", "doctors", "travel", "club", "old book"]


def person(n):
    """Every hundredth contact is there twice, as a book has them that came together from two phones."""
    twin = n - 1 if n % 100 == 99 else n
    labels = ",".join(label for at, label in enumerate(LABELS) if n % (at + 2) == 0)
    return "\r\n".join([
        "BEGIN:VCARD", "VERSION:3.0", f"UID:person-{n}", f"N:{LAST[twin % 11]} {twin};{FIRST[twin % 13]};;;",
        f"FN:{FIRST[twin % 13]} {LAST[twin % 11]} {twin}", f"ORG:Organisation {n % 500};Department {n % 7}",
        f"EMAIL;TYPE=WORK:person{twin}@example.com", f"EMAIL;TYPE=HOME:home{n}@example.net",
        f"TEL;TYPE=CELL:+380 44 {2000000 + twin}", f"TEL;TYPE=WORK:+49 30 {4000000 + n}",
        f"ADR;TYPE=HOME:;;Lindenstr. {n % 300};Berlin;;{10000 + n % 900};Germany",
        f"BDAY:{1940 + n % 70}-{n % 12 + 1:02}-{n // 12 % 28 + 1:02}", f"CATEGORIES:{labels}", f"NOTE:Met in {n % 90}; likes the number {n}.",
        "END:VCARD", ""])


def png(hue):
    """A square of one colour: its contents cost nothing here, that a row has a picture does."""
    rows = b"".join(b"\0" + bytes([hue, 255 - hue, 128]) * 96 for _ in range(96))
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 96, 96, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def fill():
    """Imports the book in four parts, gives some a photo, changes some, deletes some, connects a phone."""
    for part in range(4):
        cards = "".join(person(n) for n in range(part * count // 4, (part + 1) * count // 4))
        ask("POST", "/api/contacts/import", cards.encode(), "text/vcard")
    for at, contact in enumerate(ids("", 300)):
        if at % 3 == 0:
            ask("PUT", f"/api/contacts/{contact}/photo", png(at % 256), "image/png")
        elif at % 3 == 1:
            api("PATCH", f"/contacts/{contact}", {"job_title": f"Head of {at}"})
    for contact in ids("&sort=-name", 200):
        ask("DELETE", f"/api/contacts/{contact}")
    api("POST", "/users/me/app-passwords", {"name": "phone", "scope": "carddav", "password": os.environ["PASSWORD"]})


def ids(query, number):
    return [it["id"] for start in range(0, number, 100) for it in api("GET", f"/contacts?limit=100&skip={start}{query}")]


token = api("POST", "/auth/login", {"username": "ann", "password": os.environ["PASSWORD"]})["access_token"]
if not ids("", 100):
    fill()
some = ids("", 100)
post("/login", "/login", username="ann", password=os.environ["PASSWORD"])
upload("/import", "people.vcf", "".join(person(n) for n in range(count - 100, count + 200)))
rewind = re.search(r'/history/rewind\?to=\d+', ask("GET", "/history")[1].decode()).group(0)
one = some[1]
more = re.search(r'href="(/contacts\?[^"]*cursor=[^"]*)"', ask("GET", "/contacts")[1].decode()).group(1).replace("&amp;", "&")

pages = [
    "/contacts", more, "/contacts?sort=-updated_at", "/contacts?label=work", "/contacts?search=lovelace", f"/contacts?search=person{count // 2}%40",
    f"/contacts/{one}", f"/contacts/{some[0]}/photo", f"/contacts/{one}/edit", "/contacts/new", "/import", "/import/found", "/export", "/birthdays",
    "/duplicates", "/duplicates?skip=90", f"/duplicates?ids={some[0]},{some[1]}", "/trash", "/history", rewind, "/settings", "/settings/connect",
]
slow = heavy = 0
own = sum(len(ask("GET", path)[1]) for path in ["/style.css", "/app.js"])
for path in pages:
    if only and not any(word in path for word in only):
        continue
    times, size = [], 0
    for _ in range(23):
        began = time.perf_counter()
        status, content = ask("GET", path)
        times.append((time.perf_counter() - began) * 1000)
        size = len(content)
        assert status == 200, (path, status)
    times = sorted(times[3:])  # the first ones are not warm
    median = statistics.median(times)
    slow += median >= GOAL
    heavy += size + own > HEAVIEST
    print(f"{median:7.1f} ms  (fastest {times[0]:6.1f}, slowest {times[-1]:6.1f}) {(size + own) / 1000:7.1f} kB  {path[:70]}", flush=True)
print(f"{slow} pages over {GOAL} ms" if slow else f"every page under {GOAL} ms")
print(f"{heavy} pages with their style and script over {HEAVIEST} bytes" if heavy else f"every page within {HEAVIEST} bytes")
sys.exit(bool(slow or heavy))
