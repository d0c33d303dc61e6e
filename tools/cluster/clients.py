"""Clients that write down what was acknowledged, and compare.

Each contact and each account belongs to one thread, which gives it the numbers 1, 2, 3 … as its value. An answer of 2xx
is an acknowledgement; after any other the write may have been done or not. A read that was sent after an
acknowledgement must show that number or a later one: else it is stale. At the end everything is read once more: what is
older then, or not there, is lost. Every request has a connection of its own, so HAProxy leads it to the next replica.
"""

import base64
import collections
import http.client
import json
import random
import re
import threading
import time

XML = {"Content-Type": "application/xml; charset=utf-8", "Depth": "0"}
SYNC = ('<D:sync-collection xmlns:D="DAV:"><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level>'
        '<D:prop><D:getetag/></D:prop></D:sync-collection>')
ALL = ('<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><C:address-data/></D:prop>'
       '</C:addressbook-query>')
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{0}\r\nFN:{0}\r\nN:{0};;;;\r\nNOTE:{1}\r\nEND:VCARD\r\n"
PAUSE = 0.05


class Ledger:
    """What all threads saw, with times."""

    def __init__(self, address):
        self.address = address
        self.lock = threading.Lock()
        self.stopped = False
        self.acknowledged = []  # (kind, time, seconds that it took)
        self.reads = []  # times of reads that were checked
        self.stale = []  # (time, text)
        self.errors = []  # (time, text)
        self.threads = []

    def note(self, into, *what):
        with self.lock:
            into.append(what)

    def send(self, method, path, headers, body=None):
        """Status, headers, text. A status of 0: no answer."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request(method, path, body, {**headers, "Connection": "close"})
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self.note(self.errors, time.monotonic(), type(error).__name__)
            return 0, {}, ""
        finally:
            connection.close()

    def ask(self, kind, method, path, headers, body=None):
        """A write if `kind` says which; its acknowledgement is noted. A 2xx gives headers and text."""
        begin = time.monotonic()
        status, got, text = self.send(method, path, headers, body)
        end = time.monotonic()
        if 200 <= status < 300:
            if kind:
                self.note(self.acknowledged, kind, end, end - begin)
            return got, text
        if status:
            where = "" if status in (502, 503, 504) else f" {method} {path} {text[:200]}"
            self.note(self.errors, end, f"{status}{where}")
        time.sleep(0.1)  # as a client should, which sees an error
        return None

    def check(self, what, seen, least):
        self.note(self.reads, time.monotonic())
        if seen is None or seen < least:
            self.note(self.stale, time.monotonic(), f"{what}: {seen} after {least} was acknowledged")

    def run(self, work, *arguments):
        def until_stopped():
            while not self.stopped:
                work(*arguments)
                time.sleep(PAUSE)
        self.threads.append(threading.Thread(target=until_stopped, daemon=True))
        self.threads[-1].start()

    def stop(self):
        self.stopped = True
        for thread in self.threads:
            thread.join(60)

    # ---- figures of a stretch of time -------------------------------------------------------------------------------

    def figures(self, begin, end):
        inside = lambda time: begin <= time <= end
        writes = sorted(t for kind, t, _ in self.acknowledged if kind == "contact" and inside(t))
        profiles = [took for kind, t, took in self.acknowledged if kind == "profile" and inside(t)]
        return {
            "writes": len(writes) + len(profiles),
            "reads": sum(inside(t) for t, in self.reads),
            "gap": max((b - a for a, b in zip([begin] + writes, writes + [end])), default=0),
            "profile": max(profiles, default=float("nan")),
            "stale": [text for t, text in self.stale if inside(t)],
            "errors": collections.Counter(text for t, text in self.errors if inside(t)),
        }


def number(pattern, text):
    found = re.search(pattern, text)
    return int(found[1]) if found else None


class Rest:
    """Contacts by REST: makes some, changes them, reads them by id and counts them."""

    def __init__(self, ledger, token):
        self.ledger, self.headers = ledger, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.known = {}  # id → the last number that was acknowledged
        self.next = 0

    def work(self):
        self.next += 1
        if len(self.known) < 5 or random.random() < 0.2:
            body = json.dumps({"first_name": "Ann", "additional_data": f"value {self.next}"})
            answer = self.ledger.ask("contact", "POST", "/api/contacts", self.headers, body)
            if not answer:
                return
            contact = json.loads(answer[1])["id"]
        else:
            contact = random.choice(list(self.known))
            body = json.dumps({"additional_data": f"value {self.next}"})
            if not self.ledger.ask("contact", "PATCH", f"/api/contacts/{contact}", self.headers, body):
                return
        self.known[contact] = self.next
        self.read(contact)

    def read(self, contact):
        answer = self.ledger.ask(None, "GET", f"/api/contacts/{contact}", self.headers)
        if answer:
            self.ledger.check(f"contact {contact}", number(r"value (\d+)", answer[1]), self.known[contact])
        answer = self.ledger.ask(None, "GET", "/api/contacts?limit=1", self.headers)
        if answer:
            self.ledger.check("number of contacts", int(answer[0]["X-Total-Count"]), len(self.known))

    def lost(self):
        """Contacts that are not there, or older than what was acknowledged."""
        known, there = dict(self.known), {}
        for skip in range(0, 1_000_000, 100):
            page = json.loads(self.ledger.send("GET", f"/api/contacts?limit=100&skip={skip}", self.headers)[2])
            there |= {contact["id"]: number(r"value (\d+)", contact["additional_data"] or "") for contact in page}
            if len(page) < 100:
                break
        return [f"contact {id}" for id, least in known.items() if (there.get(id) or 0) < least]


class Phone:
    """Cards by CardDAV: PUT, GET, and a sync that has to bring what was PUT."""

    def __init__(self, ledger, user, name, secret):
        basic = base64.b64encode(f"{name}:{secret}".encode()).decode()
        self.ledger, self.headers = ledger, {"Authorization": f"Basic {basic}"}
        self.book, self.token = f"/dav/addressbooks/{user}/contacts/", ""
        self.known, self.next = {}, 0

    def work(self):
        self.next += 1
        new = len(self.known) < 5 or random.random() < 0.2
        card = f"card-{self.next}" if new else random.choice(list(self.known))
        headers = {**self.headers, "Content-Type": "text/vcard; charset=utf-8"}
        body = CARD.format(card, f"value {self.next}")
        if not self.ledger.ask("contact", "PUT", f"{self.book}{card}.vcf", headers, body):
            return
        self.known[card] = self.next
        answer = self.ledger.ask(None, "GET", f"{self.book}{card}.vcf", self.headers)
        if answer:
            self.ledger.check(card, number(r"value (\d+)", answer[1]), self.next)
        answer = self.ledger.ask(None, "REPORT", self.book, {**self.headers, **XML}, SYNC.format(self.token))
        if answer:
            self.token = re.search(r"sync-token>([^<]*)<", answer[1])[1]
            self.ledger.check(f"sync without {card}", self.next if f"{card}.vcf" in answer[1] else None, self.next)

    def lost(self):
        known = dict(self.known)
        text = self.ledger.send("REPORT", self.book, {**self.headers, **XML, "Depth": "1"}, ALL)[2]
        there = dict(re.findall(r"UID:(card-\d+)[^<]*NOTE:value (\d+)", text))
        return [card for card, least in known.items() if int(there.get(card, 0)) < least]


class Profile:
    """An account that changes its name, while others ask for the current user at all replicas."""

    def __init__(self, ledger, name, token):
        self.ledger, self.headers = ledger, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.name, self.least, self.next = name, 0, 0

    def work(self):
        self.next += 1
        body = json.dumps({"username": f"{self.name}-{self.next}"})
        if self.ledger.ask("profile", "PATCH", "/api/users/me", self.headers, body):
            self.least = self.next
        time.sleep(0.2)

    def read(self):
        least = self.least
        answer = self.ledger.ask(None, "GET", "/api/users/me", self.headers)
        if answer:
            seen = number(rf"{self.name}-(\d+)\"", answer[1])
            self.ledger.check(f"name of {self.name}", 0 if seen is None and least == 0 else seen, least)

    def lost(self):
        least = self.least
        seen = number(rf"{self.name}-(\d+)\"", self.ledger.send("GET", "/api/users/me", self.headers)[2])
        return [self.name] if (seen or 0) < least else []


def sign_up(ledger, sql, name):
    """A confirmed account: its id and access token."""
    password, as_json = "correct horse battery", {"Content-Type": "application/json"}
    wish = {"username": name, "email": f"{name}@example.com", "password": password}
    status, _, text = ledger.send("POST", "/api/auth/register", as_json, json.dumps(wish))
    assert status == 201, text
    user = json.loads(text)["id"]
    sql(f"UPDATE users SET is_verified = true WHERE id = {user}")
    time.sleep(0.1)
    status, _, text = ledger.send("POST", "/api/auth/login", as_json, json.dumps({"username": name, "password": password}))
    assert status == 200, text
    return user, json.loads(text)["access_token"]


def open_ledger(address, sql):
    """Four clients by REST, three by CardDAV, two accounts whose name changes, each asked for by two more threads."""
    ledger = Ledger(address)
    clients = []
    for n in range(4):
        clients.append(Rest(ledger, sign_up(ledger, sql, f"rest{n}")[1]))
    for n in range(3):
        user, token = sign_up(ledger, sql, f"phone{n}")
        wish = json.dumps({"name": "phone", "scope": "carddav", "password": "correct horse battery"})
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        text = ledger.send("POST", "/api/users/me/app-passwords", headers, wish)[2]
        clients.append(Phone(ledger, user, f"phone{n}", json.loads(text)["secret"]))
    for n in range(2):
        clients.append(Profile(ledger, f"name{n}", sign_up(ledger, sql, f"name{n}")[1]))
        ledger.run(clients[-1].read)
        ledger.run(clients[-1].read)
    for client in clients:
        ledger.run(client.work)
    return ledger, clients
