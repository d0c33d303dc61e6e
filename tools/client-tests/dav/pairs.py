"""Two clients of each kind at one book, and one of every kind: they end with the same cards.

pairs.py [KIND...]   vdirsyncer tsdav libdav eds syncevolution thunderbird; without a word all of them, and then all at one book

Each client keeps a copy of the book of its own. Both of a pair change it while neither has seen what the other did; after each has
synced they hold the same cards, which are those of the server. What a client holds is read from its own store, with vobject.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import vobject

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import cards as server  # noqa: E402
from thunderbird import Thunderbird  # noqa: E402

URL, USER, PASSWORD = (os.environ[name] for name in ("URL", "USER", "PASSWORD"))
TOOLS = os.environ["CLIENTS_TOOLS"]


def card(uid, name):
    return (f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:;{name};;;\r\nEMAIL;TYPE=INTERNET:{uid}@example.com\r\n"
            "END:VCARD\r\n")


class Agent:
    """A client that is a program of its own: a wish is a line of JSON, its answer another one."""

    def __init__(self, command, **environment):
        self.log = tempfile.TemporaryFile("w+")
        self.program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env={**os.environ, **environment})

    def ask(self, what, **more):
        self.program.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self.program.stdin.flush()
        while True:
            line = self.program.stdout.readline()
            if not line:
                self.log.seek(0)
                raise AssertionError(f"the client ended: {self.log.read()[-2000:]}")
            if line.startswith("{"):
                break
        answer = json.loads(line)
        assert "error" not in answer, answer
        return answer["ok"]

    def add(self, text):
        self.ask("add", card=text)

    def rename(self, old, new):
        self.ask("rename", name=old, new=new)

    def delete(self, name):
        self.ask("delete", name=name)

    def sync(self):
        self.ask("sync")

    def cards(self):
        return self.ask("cards")

    def close(self):
        self.program.stdin.close()
        try:
            self.program.wait(30)
        except subprocess.TimeoutExpired:
            self.program.terminate()
            self.program.wait()


class Tsdav(Agent):
    def __init__(self):
        super().__init__(["node", os.path.join(TOOLS, "js/tsdav-agent.mjs")])


class Libdav(Agent):
    def __init__(self):
        super().__init__([os.environ["LIBDAV_CLIENT"]])


class Eds(Agent):
    """With a message bus and a home of its own, as GNOME's programs want them."""

    def __init__(self):
        self.home = tempfile.mkdtemp()
        run = os.path.join(self.home, "run")
        os.mkdir(run, 0o700)
        command = ["env", "-u", "XDG_CONFIG_HOME", "-u", "XDG_DATA_HOME", "-u", "XDG_CACHE_HOME", "dbus-run-session", "--",
                   "/usr/bin/python3", os.path.join(HERE, "eds.py"), "agent"]
        super().__init__(command, HOME=self.home, XDG_RUNTIME_DIR=run, GSETTINGS_BACKEND="memory")

    def close(self):
        super().close()
        shutil.rmtree(self.home, ignore_errors=True)


class Folder:
    """A client that keeps a folder of cards in step with the server."""

    def __init__(self):
        self.home = tempfile.mkdtemp()
        self.folder = os.path.join(self.home, "cards")
        os.mkdir(self.folder)
        self.configure()

    def run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL,
                              env={**os.environ, "HOME": self.home, "XDG_RUNTIME_DIR": self.home})
        assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"

    def files(self):
        return {path: open(path, newline="").read() for path in glob.glob(os.path.join(self.folder, "*"))}

    def named(self, name):
        return next(it for it in self.files().items() if re.search(rf"^FN(;[^:]*)?:{re.escape(name)}\r?$", it[1], re.M))

    def write(self, path, text):
        with open(path, "w", newline="") as file:
            file.write(text)

    def add(self, text):
        uid = re.search(r"^UID:(\S+)", text, re.M).group(1)
        self.write(os.path.join(self.folder, f"{uid}.vcf"), text)

    def rename(self, old, new):
        path, text = self.named(old)
        self.write(path, text.replace(old, new))

    def delete(self, name):
        os.remove(self.named(name)[0])

    def cards(self):
        return list(self.files().values())

    def close(self):
        shutil.rmtree(self.home, ignore_errors=True)


class Vdirsyncer(Folder):
    def configure(self):
        with open(os.path.join(self.home, "config"), "w") as file:
            file.write(f"""[general]
status_path = "{self.home}/status"
[pair book]
a = "here"
b = "there"
collections = null
conflict_resolution = "b wins"
[storage here]
type = "filesystem"
path = "{self.folder}"
fileext = ".vcf"
[storage there]
type = "carddav"
url = "{URL}"
username = "{USER}"
password = "{PASSWORD}"
""")
        self.vdirsyncer("discover")

    def vdirsyncer(self, what, *more):
        self.run(os.path.join(TOOLS, "bin/vdirsyncer"), "--config", os.path.join(self.home, "config"), what, *more, "book")

    def sync(self):
        # One that has deleted all its cards asks before it believes that; here that is meant
        self.vdirsyncer("sync", "--force-delete")


class SyncEvolution(Folder):
    def configure(self):
        self.run("dbus-run-session", "--", "syncevolution", "--daemon=no", "--keyring=no", "--configure", "--template", "webdav",
                 "syncURL=", f"database={URL}", f"username={USER}", f"password={PASSWORD}", "backend=carddav", "target-config@book",
                 "addressbook")
        self.run("dbus-run-session", "--", "syncevolution", "--daemon=no", "--keyring=no", "--configure", "--template",
                 "SyncEvolution_Client", "syncURL=local://@book", "sync=two-way", "backend=file", "databaseFormat=text/vcard",
                 f"database=file://{self.folder}", "username=", "password=", "book", "addressbook")

    def sync(self):
        self.run("dbus-run-session", "--", "syncevolution", "--daemon=no", "--keyring=no", "--sync", "two-way", "book", "addressbook")


def connected():
    thunderbird = Thunderbird()
    thunderbird.connect()
    return thunderbird


KINDS = {"vdirsyncer": Vdirsyncer, "tsdav": Tsdav, "libdav": Libdav, "eds": Eds, "syncevolution": SyncEvolution,
         "thunderbird": connected}


def read(texts):
    """Name and addresses of cards."""
    found = []
    for text in texts:
        it = vobject.readOne(re.sub(r"\r?\n", "\r\n", text))
        found.append((it.fn.value, sorted(address.value for address in it.contents.get("email", []))))
    return sorted(found)


def same(clients, names):
    """Every client holds the server's cards, which have these names."""
    held = {"server": read(server.cards().values())}
    held.update({kind: read(client.cards()) for kind, client in clients.items()})
    assert [name for name, _ in held["server"]] == sorted(names), held["server"]
    wrong = {kind: it for kind, it in held.items() if it != held["server"]}
    assert not wrong, f"the server has {held['server']}, but {wrong}"


def settle(clients):
    for _ in range(2):
        for client in clients.values():
            client.sync()


def pair(kind):
    server.empty()
    clients = {}
    try:
        for name in ("one", "two"):
            clients[f"{kind} {name}"] = KINDS[kind]()
        one, two = clients.values()
        settle(clients)
        one.add(card("ann", "Ann One"))
        two.add(card("ben", "Ben Two"))
        settle(clients)
        same(clients, ["Ann One", "Ben Two"])
        one.rename("Ann One", "Änn Changed")
        one.add(card("cid", "Cid Three"))
        two.delete("Ben Two")
        two.add(card("dan", "Дан Four"))
        settle(clients)
        same(clients, ["Änn Changed", "Cid Three", "Дан Four"])
        two.rename("Änn Changed", "Ann Again")
        one.delete("Дан Four")
        settle(clients)
        same(clients, ["Ann Again", "Cid Three"])
    finally:
        for client in clients.values():
            client.close()


def everybody(kinds):
    server.empty()
    clients = {}
    try:
        for kind in kinds:
            clients[kind] = KINDS[kind]()
        settle(clients)
        for kind, client in clients.items():
            client.add(card(kind, f"Made by {kind}"))
        settle(clients)
        same(clients, [f"Made by {kind}" for kind in kinds])
        # Each changes the card of the next one; the last one's is deleted by the first
        for kind, other in zip(kinds, kinds[1:]):
            clients[kind].rename(f"Made by {other}", f"Changed by {kind}")
        settle(clients)
        clients[kinds[-1]].delete(f"Made by {kinds[0]}")
        settle(clients)
        same(clients, [f"Changed by {kind}" for kind in kinds[:-1]])
    finally:
        for client in clients.values():
            client.close()


def main(kinds):
    failed = []
    for kind in kinds:
        try:
            pair(kind)
            print(f"two of {kind}: the same cards", flush=True)
        except Exception as error:
            failed.append(kind)
            print(f"two of {kind}: FAILED: {error}", flush=True)
    good = [kind for kind in kinds if kind not in failed]
    if len(good) > 1:
        everybody(good)
        print(f"one each of {', '.join(good)} at one book: the same cards", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(KINDS)))
