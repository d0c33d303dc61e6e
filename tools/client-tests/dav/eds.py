"""Evolution's Data Server, without a screen: an address book of kind CardDAV, asked by its own library. Runs with the system's
Python (python3-gi, gir1.2-ebook-1.2) inside dbus-run-session, with a HOME of its own.

eds.py          tests it
eds.py agent    does what pairs.py wishes: a wish is a line of JSON on standard input, its answer a line on standard output
"""

import json
import os
import subprocess
import sys
import time
from urllib.parse import urlsplit

home = os.environ["HOME"]
url = urlsplit(os.environ["URL"])
sources = os.path.join(home, ".config/evolution/sources")
os.makedirs(sources, exist_ok=True)
with open(os.path.join(sources, "contactd.source"), "w") as file:
    file.write(f"""[Data Source]
DisplayName=contactd
Enabled=true
Parent=carddav-stub

[Address Book]
BackendName=carddav

[Authentication]
Host={url.hostname}
Port={url.port or 80}
Method=plain/password
User={os.environ["USER"]}
RememberPassword=false

[Security]
Method=none

[WebDAV Backend]
AvoidIfmatch=false
ResourcePath={url.path}

[Offline]
StaySynchronized=true
""")

import gi

for name in ("EDataServer", "EBook", "EBookContacts"):
    gi.require_version(name, "1.2")
from gi.repository import EBook, EBookContacts, EDataServer, GLib

registry = EDataServer.SourceRegistry.new_sync(None)
source = registry.ref_source("contactd")
assert source, "the data server took the source"


def wait(seconds):
    """Lets what the data server says arrive."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        GLib.MainContext.default().iteration(False)
        time.sleep(0.01)


def connect():
    client = EBook.BookClient.connect_sync(source, 5, None)
    parameters = EDataServer.NamedParameters.new()
    parameters.set("username", os.environ["USER"])
    parameters.set("password", os.environ["PASSWORD"])
    source.invoke_authenticate_sync(parameters, None)
    for _ in range(100):
        if client.is_online() and not client.is_readonly():
            return client
        wait(0.1)
    raise AssertionError(f"online: {client.is_online()}, read only: {client.is_readonly()}")


def names(client):
    client.refresh_sync(None)
    wait(2)
    _, contacts = client.get_contacts_sync("#t", None)
    return sorted(contact.get_property("full-name") or "" for contact in contacts)


def test():
    client = connect()
    assert names(client) == [], names(client)
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann Smith\r\nN:Smith;Ann;;;\r\nTEL;TYPE=CELL:+49 1\r\nEND:VCARD\r\n"
    _, uid = client.add_contact_sync(EBookContacts.Contact.new_from_vcard(card), 0, None)
    assert names(client) == ["Ann Smith"], names(client)
    # Somebody else changes it, and adds one
    tests = os.path.dirname(os.path.abspath(__file__))
    python = os.environ["CLIENTS_PYTHON"]
    _, contact = client.get_contact_sync(uid, None)
    subprocess.run([python, os.path.join(tests, "cards.py"), "rename", contact.get_property("id"), "Ann Jones"], check=False)
    seen = names(client)
    assert seen == ["Ann Jones"], seen
    _, contact = client.get_contact_sync(uid, None)
    contact.set_property("full-name", "Ann Miller")
    client.modify_contact_sync(contact, 0, None)
    assert names(client) == ["Ann Miller"], names(client)
    client.remove_contact_by_uid_sync(uid, 0, None)
    assert names(client) == [], names(client)
    print("Evolution Data Server: added, changed by both, removed")


def contacts(client):
    return client.get_contacts_sync("#t", None)[1]


def wished(client, wish):
    def named():
        return next(it for it in contacts(client) if it.get_property("full-name") == wish["name"])

    if wish["do"] == "sync":
        names(client)
    elif wish["do"] == "add":
        client.add_contact_sync(EBookContacts.Contact.new_from_vcard(wish["card"]), 0, None)
    elif wish["do"] == "rename":
        contact = named()
        contact.set_property("full-name", wish["new"])
        client.modify_contact_sync(contact, 0, None)
    elif wish["do"] == "delete":
        client.remove_contact_by_uid_sync(named().get_property("id"), 0, None)
    else:
        return [it.to_string(EBookContacts.VCardFormat(1)) for it in contacts(client)]


def agent():
    client = connect()
    for line in sys.stdin:
        try:
            answer = {"ok": wished(client, json.loads(line))}
        except Exception as error:
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


agent() if sys.argv[1:] == ["agent"] else test()
