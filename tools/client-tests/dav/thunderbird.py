"""Thunderbird, without a screen, driven by Marionette: the protocol of Firefox's own tests, JSON over a socket. It finds the book
from the server's root as its dialog does, syncs, makes cards, changes and deletes them; what it keeps is read from its own book."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PREFERENCES = {
    "app.update.enabled": False, "mail.provider.suppress_dialog_on_startup": True, "mail.spotlight.firstRunDone": True,
    "mail.winsearch.firstRunDone": True, "mailnews.start_page.enabled": False, "mail.shell.checkDefaultClient": False,
    "datareporting.policy.dataSubmissionEnabled": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "browser.safebrowsing.blockedURIs.enabled": False,
    "mail.instrumentation.askUser": False, "services.settings.server": "data:,",
}
BEGIN = """
const done = arguments[arguments.length - 1];
const [given, book, user, password] = arguments;
const { CardDAVUtils } = ChromeUtils.importESModule("resource:///modules/CardDAVUtils.sys.mjs");
const { CardDAVDirectory } = ChromeUtils.importESModule("resource:///modules/CardDAVDirectory.sys.mjs");
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const { VCardUtils } = ChromeUtils.importESModule("resource:///modules/VCardUtils.sys.mjs");
const mine = () => {
  const found = MailServices.ab.directories.find(it => it.dirType == Ci.nsIAbManager.CARDDAV_DIRECTORY_TYPE);
  return found && CardDAVDirectory.forFile(found.fileName);
};
const named = name => mine().childCards.find(it => it.displayName == name);
// A new card is sent in the background: it is there once the server's answer has given it an address and a tag.
const until = async what => {
  for (let tries = 0; tries < 300 && !what(); tries++) await new Promise(go => window.setTimeout(go, 100));
  if (!what()) throw new Error(`never came true: ${what}`);
};
const tag = name => named(name)?.getProperty("_etag", "");
(async () => { %s })().then(it => done({ ok: it ?? null }), error => done({ error: `${error} ${error.stack}` }));
"""
CONNECT = """
const found = await CardDAVUtils.detectAddressBooks(user, password, given, false, true);
if (found.length != 1 || found[0].url.pathname != new URL(book).pathname) throw new Error(`found ${found.map(it => it.url)}`);
const synced = new Promise(go => Services.obs.addObserver(go, "addrbook-directory-synced"));
const made = found[0].create();
await synced;
return [found[0].name, made.readOnly];
"""


class Thunderbird:
    """One program with a profile of its own."""

    def __init__(self):
        self.profile = tempfile.mkdtemp()
        port = random.randrange(20000, 30000)
        with open(os.path.join(self.profile, "user.js"), "w") as file:
            for name, value in {**PREFERENCES, "marionette.port": port}.items():
                file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        command = ["thunderbird", "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", self.profile]
        self.log = open(os.path.join(self.profile, "log"), "w+")
        self.program = subprocess.Popen(command, env={**os.environ, "HOME": self.profile, "MOZ_HEADLESS": "1"},
                                        stdout=self.log, stderr=subprocess.STDOUT)
        for _ in range(240):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), 1)
                break
            except OSError:
                time.sleep(0.5)
        else:
            raise AssertionError("Thunderbird does not listen")
        self.socket.settimeout(300)
        self.rest, self.number = b"", 0
        self.receive()
        self.send("WebDriver:NewSession", capabilities={})
        self.send("Marionette:SetContext", value="chrome")
        self.send("WebDriver:SetTimeouts", script=120_000)

    def receive(self):
        while b":" not in self.rest:
            self.more()
        length, self.rest = self.rest.split(b":", 1)
        while len(self.rest) < int(length):
            self.more()
        message, self.rest = self.rest[:int(length)], self.rest[int(length):]
        return json.loads(message)

    def more(self):
        some = self.socket.recv(1 << 16)
        assert some, "Thunderbird hung up"
        self.rest += some

    def send(self, command, **parameters):
        self.number += 1
        message = json.dumps([0, self.number, command, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self.receive()
        assert not error, error
        return result

    def run(self, script, given=None):
        """What a script gives that runs inside Thunderbird, with all its rights."""
        arguments = [given, os.environ["URL"], os.environ["USER"], os.environ["PASSWORD"]]
        value = self.send("WebDriver:ExecuteAsyncScript", script=BEGIN % script, args=arguments)["value"]
        assert "error" not in value, value
        return value["ok"]

    def connect(self):
        return self.run(CONNECT, os.environ["URL"].split("/dav/")[0] + "/")

    def sync(self):
        self.run("await mine().syncWithServer();")

    def cards(self):
        return self.run("return mine().childCards.map(it => it.getProperty('_vCard', ''));")

    def add(self, card):
        self.run("const name = mine().addCard(VCardUtils.vCardToAbCard(given), false).displayName; await until(() => tag(name));", card)

    def rename(self, old, new):
        self.run("""const card = named(given[0]), before = tag(given[0]);
            card.vCardProperties.getFirstEntry("fn").value = given[1];
            card.displayName = given[1];
            mine().modifyCard(card);
            await until(() => named(given[1]) && tag(given[1]) && tag(given[1]) != before);""", [old, new])

    def delete(self, name):
        self.run("""const directory = mine(), gone = named(given);
            const left = directory._deleteCards;
            let sent;
            directory._deleteCards = function (cards) { return (sent = left.call(this, cards)); };
            directory.deleteCards([gone]);
            await sent;""", name)

    def close(self):
        try:
            self.send("Marionette:Quit", flags=["eForceQuit"])
            self.program.wait(30)
        except Exception:
            self.program.kill()
            self.program.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


def main():
    import cards
    card = ("BEGIN:VCARD\r\nVERSION:4.0\r\nUID:{0}\r\nFN:{1}\r\nN:;{1};;;\r\nEMAIL;PREF=1:{0}@example.com\r\nBDAY:--0412\r\n"
            "X-KEPT:yes\r\nEND:VCARD\r\n")

    def held():
        thunderbird.sync()
        return sorted(line[3:] for it in thunderbird.cards() for line in it.splitlines() if line.startswith("FN:"))

    def served(name):
        return next((it for it in cards.cards().values() if f"FN:{name}" in it), "")

    thunderbird = Thunderbird()
    try:
        name, read_only = thunderbird.connect()
        assert not read_only, "the book may be written to"
        assert held() == [], held()
        thunderbird.add(card.format("tb-1", "Jürgen Müller"))
        stored = served("Jürgen Müller")
        assert "VERSION:3.0" in stored and "X-KEPT:yes" in stored and "tb-1@example.com" in stored, stored
        assert held() == ["Jürgen Müller"], held()
        cards.rename("tb-1", "Ann Jones")
        assert held() == ["Ann Jones"], held()
        thunderbird.rename("Ann Jones", "Ann Miller")
        assert served("Ann Miller") and not served("Ann Jones"), cards.cards()
        thunderbird.add(card.format("tb-2", "Олена Коваль"))
        assert held() == ["Ann Miller", "Олена Коваль"], held()
        thunderbird.delete("Ann Miller")
        assert not served("Ann Miller"), cards.cards()
        cards.empty()
        assert held() == [], held()
    except BaseException:
        thunderbird.log.flush()
        with open(thunderbird.log.name) as file:
            print("\n".join([line for line in file.read().splitlines() if "carddav" in line.lower() or "JavaScript" in line][-20:]))
        raise
    finally:
        thunderbird.close()
    print(f"the book “{name}” found from the root, cards added, changed by both, removed by both")


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()
