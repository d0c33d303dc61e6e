"""The cards of the address book URL (USER, PASSWORD), for the tests of clients.

cards.py put FOLDER     each file of a folder that is one card goes to the server
cards.py get FOLDER     every card of the server becomes a file, and vobject reads each
cards.py empty          deletes them all
cards.py rename UID FN  changes a card, as another phone would
"""

import base64
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET

import vobject

BOOK = os.environ["URL"]
KEY = base64.b64encode(f"{os.environ['USER']}:{os.environ['PASSWORD']}".encode()).decode()
D, C = "{DAV:}", "{urn:ietf:params:xml:ns:carddav}"


def ask(verb, url, body="", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers["Authorization"] = f"Basic {KEY}"
    request = urllib.request.Request(url, body.encode() or None, headers, method=verb)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def hrefs():
    body = '<propfind xmlns="DAV:"><prop><getetag/><resourcetype/></prop></propfind>'
    answer = ET.fromstring(ask("PROPFIND", BOOK, body, Depth="1", Content_Type="application/xml"))
    found = (it for it in answer.iter(f"{D}response") if it.find(f".//{D}collection") is None)
    return [it.findtext(f"{D}href") for it in found]


def cards():
    wanted = "".join(f"<D:href>{href}</D:href>" for href in hrefs())
    if not wanted:
        return {}
    body = ('<C:addressbook-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><D:getetag/>'
            f"<C:address-data/></D:prop>{wanted}</C:addressbook-multiget>")
    answer = ET.fromstring(ask("REPORT", BOOK, body, Depth="1", Content_Type="application/xml"))
    return {it.findtext(f"{D}href"): it.findtext(f".//{C}address-data") for it in answer.iter(f"{D}response")}


def put(folder):
    sent = refused = 0
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".vcf"):
            continue
        with open(os.path.join(folder, name), "rb") as file:
            raw = file.read()
        if raw.upper().count(b"BEGIN:VCARD") != 1:
            continue
        request = urllib.request.Request(BOOK + urllib.parse.quote(f"sample-{name}"), raw, method="PUT",
                                         headers={"Authorization": f"Basic {KEY}", "Content-Type": "text/vcard"})
        try:
            urllib.request.urlopen(request, timeout=60).close()
            sent += 1
        except urllib.error.HTTPError as error:
            refused += 1
            print(f"{name}: {error.code}")
    print(f"{sent} samples sent, {refused} refused")


def get(folder):
    found = cards()
    for number, (href, card) in enumerate(sorted(found.items())):
        # XML's reader makes one line feed of CR LF
        text = re.sub(r"\r?\n", "\r\n", card)
        assert vobject.readOne(text).fn.value.strip(), href
        with open(os.path.join(folder, f"{number}.vcf"), "w", encoding="utf-8", newline="") as file:
            file.write(text)
    print(f"vobject: {len(found)} cards read")


def rename(uid, name):
    href = next(href for href, card in cards().items() if f"UID:{uid}" in card)
    card = cards()[href]
    ask("PUT", urllib.parse.urljoin(BOOK, href), re.sub(r"\nFN:.*", f"\nFN:{name}", card).replace("\r\n", "\n")
        .replace("\n", "\r\n"), Content_Type="text/vcard; charset=utf-8")


def empty():
    for href in hrefs():
        ask("DELETE", urllib.parse.urljoin(BOOK, href))


if __name__ == "__main__":
    {"put": put, "get": get, "empty": empty, "rename": rename}[sys.argv[1]](*sys.argv[2:])
