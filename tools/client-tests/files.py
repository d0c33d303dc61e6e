"""What the server sends out, read by other people's parsers: vobject, icalendar, Python's own csv."""

import csv
import datetime
import io
import json
import os
import urllib.request

import icalendar
import vobject

api = os.environ["API"]
token = ""


def ask(method: str, path: str, body: bytes | None = None, content_type: str = "application/json") -> bytes:
    headers = {"Content-Type": content_type, "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(path if "://" in path else api + path, body, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


credentials = {"username": os.environ["ANN"], "password": os.environ["PASSWORD"]}
token = json.loads(ask("POST", "/api/auth/login", json.dumps(credentials).encode()))["access_token"]
before = {contact["id"] for contact in json.loads(ask("GET", "/api/contacts?limit=100"))}
assert not before, "an empty book"
people = [
    {"first_name": "A; b, c\\d:e", "last_name": "Ї" * 100, "email": "a+b@example.com", "phone": "+380 (44) 123-45-67",
     "birthday": "2000-02-29", "additional_data": "one\ntwo; three, four\\n five 🎂", "labels": ["x, y", 'z; "w"']},
    {"first_name": "=1+1", "last_name": "-2", "email": None, "phone": "+1 555 0100", "birthday": "1950-12-31",
     "additional_data": "@SUM(A1)", "labels": ["=cmd"]},
    {"first_name": "日本語", "last_name": None, "email": None, "phone": None, "birthday": None,
     "additional_data": "x" * 5000, "labels": []},
]
for person in people:
    ask("POST", "/api/contacts", json.dumps(person).encode())
# A card with more than we have fields for.
card = (
    "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=87;Q\r\nTEL;CELL;PREF:+1 555 1\r\n"
    "TEL;HOME:+1 555 2\r\nADR;HOME:;;Main St 1;Kyiv;;01001;Ukraine\r\nX-SPOUSE:Ann\r\nEND:VCARD\r\n"
)
outcome = json.loads(ask("POST", "/api/contacts/import", card.encode(), "text/vcard"))
assert outcome["created"] == 1 and not outcome["errors"] and not outcome["warnings"], outcome

cards = list(vobject.readComponents(ask("GET", "/api/contacts/export").decode()))
assert len(cards) == 4
for person, card in zip(people, cards):
    card.validate()
    assert card.version.value == "3.0"
    assert (card.n.value.given, card.n.value.family) == (person["first_name"], person["last_name"] or ""), card.n
    for member, name in [("email", "email"), ("phone", "tel"), ("birthday", "bday"), ("additional_data", "note")]:
        value = getattr(card, name).value if hasattr(card, name) else None
        assert value == person[member], (member, value)
    labels = card.categories.value if hasattr(card, "categories") else []
    assert labels == person["labels"], labels
last = cards[3]
assert (last.n.value.family, last.n.value.given) == ("Ї", "Q")
assert [tel.value for tel in last.tel_list] == ["+1 555 1", "+1 555 2"]
assert last.adr.value.city == "Kyiv" and last.x_spouse.value == "Ann"

rows = list(csv.DictReader(io.StringIO(ask("GET", "/api/contacts/export?format=csv").decode(), newline="")))
assert len(rows) == 4
for person, row in zip(people, rows):
    for member, header in [("first_name", "First Name"), ("last_name", "Last Name"), ("email", "E-mail 1 - Value"),
                           ("phone", "Phone 1 - Value"), ("birthday", "Birthday"), ("additional_data", "Notes")]:
        cell, value = row[header], person[member] or ""
        assert cell.lstrip("'") == value, (header, cell)
for row in rows:
    for cell in row.values():
        # What a spreadsheet would compute; a number with its plus is none.
        assert not cell.startswith(("=", "@", "\t")), cell
        assert not cell.startswith(("+", "-")) or cell[1:].replace(" ", "").replace("(", "").replace(")", "").replace("-", "").isdigit(), cell
assert json.loads(ask("GET", "/api/contacts/export?format=json"))[0]["labels"] == people[0]["labels"]

url = json.loads(ask("POST", "/api/contacts/calendar-url"))["url"]
text = ask("GET", url).decode()
calendar = icalendar.Calendar.from_ical(text)
assert calendar["VERSION"] == "2.0" and calendar.errors == [], calendar.errors
events = calendar.walk("VEVENT")
assert len(events) == 2
assert len({event["UID"] for event in events}) == 2
for person, event in zip(people, events):
    born = datetime.date.fromisoformat(person["birthday"])
    assert event.errors == [], event.errors
    assert event["SUMMARY"] == f"🎂 {person['first_name']} {person['last_name']} ({born.year})", event["SUMMARY"]
    assert event["TRANSP"] == "TRANSPARENT" and event["RRULE"]["FREQ"] == ["YEARLY"]
    start = event.decoded("DTSTART")
    assert (start.month, start.day) == (born.month, born.day), start
    assert event.decoded("DTEND") - start == datetime.timedelta(days=1)
assert events[0]["RRULE"]["BYMONTH"] == [2] and events[0]["RRULE"]["BYMONTHDAY"] == [-1]
# vobject with dateutil computes the days: 29 February is kept on the last of February.
leap = vobject.readOne(text).vevent_list[0].getrruleset(addRDate=True)
days = [day.date() if isinstance(day, datetime.datetime) else day for day in leap[:60]]
assert datetime.date(2027, 2, 28) in days and datetime.date(2028, 2, 29) in days, days
assert all(day.month == 2 for day in days) and len({day.year for day in days}) == 60, days
ask("DELETE", "/api/contacts/calendar-url")
for contact in json.loads(ask("GET", "/api/contacts?limit=100")):
    ask("DELETE", f"/api/contacts/{contact['id']}")
print("vobject, icalendar, csv: ok")
