"""Every server of `./dev cluster`: where it listens, with which files of deploy/cluster it runs, how it is stopped.

The files are those that compose.yml uses. Addresses come from the environment where a program reads it (HAProxy,
Patroni, etcd, contactd); in pgbouncer.ini and sentinel.conf those of compose.yml are replaced by ours.
"""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import time

ROOT = os.getcwd()
CONFIG = os.path.join(ROOT, "deploy/cluster")
FOLDER = os.environ["TEST_STORES_DIR"]
POSTGRES_BIN = os.environ["TEST_POSTGRES_BIN"]
# Patroni of Debian runs with Debian's Python, whichever other is first in PATH
DEBIAN = {"PATH": f"{POSTGRES_BIN}:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
PASSWORD = secrets.token_hex(16)
PARTS = {}  # name → Part, in the order of their start


def say(text):
    print(f"cluster: {text}", flush=True)


class Part:
    """One server: a process that is started, killed and started again with the same words."""

    def __init__(self, name, argv, env=None, as_root=False):
        self.name, self.argv, self.env, self.process = name, argv, env or {}, None
        self.folder = f"{FOLDER}/{name}"
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        # Postgres, PgBouncer and others refuse to run as root. The kernel ends each when this script dies.
        who = []
        if os.getuid() == 0 and not as_root:
            uid, gid = os.environ["TEST_STORES_UID"], os.environ["TEST_STORES_GID"]
            os.chown(self.folder, int(uid), int(gid))
            who = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
        self.prefix = [*who, "setpriv", "--pdeathsig", "KILL"]  # last: a change of user takes it away
        PARTS[name] = self

    def write(self, name, text):
        """A file in its folder that is its own to change."""
        path = f"{self.folder}/{name}"
        with open(path, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)
        if os.getuid() == 0:
            owner = os.stat(self.folder)
            os.chown(path, owner.st_uid, owner.st_gid)
        return path

    def start(self):
        log = open(f"{self.folder}.log", "ab")
        env = {**DEBIAN, "HOME": self.folder, **self.env}
        self.process = subprocess.Popen(
            self.prefix + self.argv, env=env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def send(self, number):
        if self.running():
            self.process.send_signal(number)

    def kill(self):
        self.send(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self, seconds=40):
        """Politely; killed when that takes too long. Seconds that it took."""
        begin = time.monotonic()
        self.send(signal.SIGTERM)
        try:
            if self.process:
                self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            say(f"{self.name} does not end by itself")
            self.kill()
        return time.monotonic() - begin


def ports(number):
    """Free ones below the range from which the system takes ports for outgoing connections."""
    found, port = [], 20000 + secrets.randbelow(9000)
    while len(found) < number:
        port += 1
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                found.append(f"127.0.0.1:{port}")
            except OSError:
                pass
    return found


def port_of(address):
    return address.rsplit(":", 1)[1]


def template(name, replace):
    with open(f"{CONFIG}/{name}") as file:
        text = file.read()
    for word, value in replace.items():
        assert word in text, f"{name} has no {word}"
        text = text.replace(word, value)
    return text


def until(what, test, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            value = test()
        except (OSError, http.client.HTTPException, ValueError, subprocess.SubprocessError):
            value = None
        if value:
            return value
        time.sleep(0.1)
    raise SystemExit(f"cluster: {what}: not within {seconds} s, see the logs in {FOLDER}")


def get(address, path):
    """Status and body of a GET; a status of 0: nobody is there."""
    connection = http.client.HTTPConnection(address, timeout=3)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


# ---- what a scenario asks of the servers ----------------------------------------------------------------------------

def redis(address, *words):
    """One command; its answer as text."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=2) as link:
        link.settimeout(2)
        for command in ([("AUTH", PASSWORD)] if address in REDIS else []) + [words]:
            link.sendall((f"*{len(command)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in command)).encode())
            answer = link.recv(65536).decode()
    return answer


def redis_role(number):
    """`role:` of INFO, and how many replicas it has."""
    info = redis(REDIS[number], "INFO", "replication")
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    return fields.get("role"), int(fields.get("connected_slaves", 0))


def redis_primary():
    """The number of the one that has a replica."""
    roles = {}
    for number in range(3):
        try:
            roles[number] = redis_role(number)
        except OSError:
            pass
    return next((n for n, (role, replicas) in roles.items() if role == "master" and replicas), None)


def patroni(number):
    """What Patroni says of its Postgres."""
    return json.loads(get(PATRONI[number], "/patroni")[1])


def postgres_primary():
    return next((n for n in (0, 1) if get(PATRONI[n], "/primary")[0] == 200), None)


def postgres_whole():
    """A primary, and a synchronous standby."""
    primary = postgres_primary()
    return primary is not None and get(PATRONI[1 - primary], "/sync")[0] == 200


def postgres_pid(number):
    with open(f"{FOLDER}/postgres-{number + 1}/data/postmaster.pid") as file:
        return int(file.readline())


def end_postgres(number):
    """kill -9 for the postmaster; its children end when they notice."""
    try:
        os.kill(postgres_pid(number), signal.SIGKILL)
    except (OSError, ValueError):
        pass


def etcd_leader():
    for number, address in enumerate(ETCD):
        if not PARTS[f"etcd-{number + 1}"].running():
            continue
        answer = subprocess.run(
            ["etcdctl", f"--endpoints={address}", "endpoint", "status", "-w", "json"], capture_output=True, timeout=5,
            env={**DEBIAN, "ETCDCTL_API": "3"})
        try:
            status = json.loads(answer.stdout)[0]["Status"]
        except (ValueError, LookupError):
            continue
        if status.get("leader") == status["header"]["member_id"]:
            return number
    return None


def whole():
    """Everything is there as at the beginning."""
    return (all(part.running() for part in PARTS.values()) and etcd_leader() is not None and postgres_whole()
            and redis_primary() is not None and sum(redis_role(n)[1] for n in range(3)) == 2
            and all(get(address, "/readyz")[0] == 200 for address in REPLICAS))


# ---- all of them ----------------------------------------------------------------------------------------------------

def addresses():
    """Chooses every address; they stay for the whole run."""
    global CLIENTS, REPLICAS, ETCD, ETCD_PEERS, PATRONI, POSTGRES, REDIS, SENTINELS, PRIMARY, CACHE, BOUNCER
    all_of_them = iter(ports(24))
    some = lambda number: [next(all_of_them) for _ in range(number)]
    (CLIENTS, PRIMARY, CACHE, BOUNCER), REPLICAS, REDIS, SENTINELS = some(4), some(3), some(3), some(3)
    ETCD, ETCD_PEERS, PATRONI, POSTGRES = some(3), some(3), some(2), some(2)


def set_up_etcd():
    cluster = ",".join(f"etcd-{n + 1}=http://{address}" for n, address in enumerate(ETCD_PEERS))
    for n in range(3):
        Part(f"etcd-{n + 1}", ["etcd"], {
            "ETCD_NAME": f"etcd-{n + 1}", "ETCD_DATA_DIR": "data", "ETCD_INITIAL_CLUSTER": cluster,
            "ETCD_INITIAL_CLUSTER_STATE": "new", "ETCD_LOGGER": "zap", "ETCD_LOG_LEVEL": "warn",
            "ETCD_LISTEN_CLIENT_URLS": f"http://{ETCD[n]}", "ETCD_ADVERTISE_CLIENT_URLS": f"http://{ETCD[n]}",
            "ETCD_LISTEN_PEER_URLS": f"http://{ETCD_PEERS[n]}",
            "ETCD_INITIAL_ADVERTISE_PEER_URLS": f"http://{ETCD_PEERS[n]}"}).start()
    until("etcd has a leader", lambda: etcd_leader() is not None)


def set_up_postgres():
    for n in range(2):
        Part(f"postgres-{n + 1}", ["/usr/bin/patroni", f"{CONFIG}/patroni.yml"], {
            "PATRONI_NAME": f"postgres-{n + 1}", "PATRONI_ETCD3_HOSTS": ",".join(ETCD),
            "PATRONI_RESTAPI_LISTEN": PATRONI[n], "PATRONI_RESTAPI_CONNECT_ADDRESS": PATRONI[n],
            "PATRONI_POSTGRESQL_LISTEN": POSTGRES[n], "PATRONI_POSTGRESQL_CONNECT_ADDRESS": POSTGRES[n],
            "PATRONI_POSTGRESQL_DATA_DIR": "data", "PATRONI_POSTGRESQL_BIN_DIR": POSTGRES_BIN,
            "PATRONI_POSTGRESQL_PGPASS": "pgpass",
            "PATRONI_SUPERUSER_USERNAME": "postgres", "PATRONI_SUPERUSER_PASSWORD": PASSWORD,
            "PATRONI_REPLICATION_USERNAME": "replicator", "PATRONI_REPLICATION_PASSWORD": PASSWORD}).start()
    until("Postgres has a primary and a synchronous standby", postgres_whole, 120)


def set_up_redis():
    for n in range(3):
        part = Part(f"redis-{n + 1}", [os.environ["TEST_REDIS_SERVER"], "redis.conf"])
        host, port = REDIS[n].split(":")
        text = f"include {CONFIG}/redis.conf\nbind {host}\nport {port}\nrequirepass {PASSWORD}\nmasterauth {PASSWORD}\n"
        part.write("redis.conf", text + ("" if n == 0 else f"replicaof {REDIS[0].replace(':', ' ')}\n"))
        part.start()
    until("Redis has replicas", lambda: redis_role(0) == ("master", 2))
    for n in range(3):
        part = Part(f"sentinel-{n + 1}", [os.environ["TEST_REDIS_SERVER"], "sentinel.conf", "--sentinel"])
        text = template("sentinel.conf", {"10.22.0.51 6379": REDIS[0].replace(":", " ")})
        part.write("sentinel.conf", f"bind 127.0.0.1\nport {port_of(SENTINELS[n])}\n{text}"
                                    f"sentinel auth-pass contactd {PASSWORD}\n")
        part.start()
    until("the Sentinels see each other",
          lambda: all("num-other-sentinels\r\n$1\r\n2" in redis(s, "SENTINEL", "master", "contactd") for s in SENTINELS))


def set_up_balancers(pool_mode):
    proxy = Part("haproxy", ["haproxy", "-W", "-f", f"{CONFIG}/haproxy.cfg"])
    proxy.env = {"CLIENTS": CLIENTS, "POSTGRES": PRIMARY, "REDIS": CACHE, "REDIS_PASSWORD": PASSWORD,
                 "RUN_DIR": proxy.folder}
    for n in range(3):
        proxy.env |= {f"REPLICA_{n + 1}": REPLICAS[n], f"REDIS_{n + 1}": REDIS[n]}
    for n in range(2):
        proxy.env |= {f"POSTGRES_{n + 1}": POSTGRES[n], f"PATRONI_{n + 1}": port_of(PATRONI[n])}
    proxy.start()
    bouncer = Part("pgbouncer", ["pgbouncer", "pgbouncer.ini"])
    bouncer.write("userlist.txt", f'"contactd" "{PASSWORD}"\n')
    bouncer.write("pgbouncer.ini", template("pgbouncer.ini", {
        "host=10.22.0.10 port=5000": f"host=127.0.0.1 port={port_of(PRIMARY)}", "listen_addr = *": "listen_addr = 127.0.0.1",
        "listen_port = 6432": f"listen_port = {port_of(BOUNCER)}", "pool_mode = session": f"pool_mode = {pool_mode}"}))
    bouncer.start()


def set_up_contactd(binary):
    with open(f"{CONFIG}/contactd.env") as file:
        common = dict(line.strip().split("=", 1) for line in file if "=" in line and not line.startswith("#"))
    for n in range(3):
        part = Part(f"contactd-{n + 1}", [binary, "serve"], as_root=True)
        part.env = {**common, "LISTEN_ADDR": REPLICAS[n], "MAIL_DIR": f"{part.folder}/mail", "SECRET_KEY": PASSWORD * 2,
                    "PUBLIC_URL": f"http://{CLIENTS}",
                    "DATABASE_URL": f"postgres://contactd:{PASSWORD}@{BOUNCER}/contactd",
                    "REDIS_URL": f"redis://:{PASSWORD}@{CACHE}/0", "ACCESS_TOKEN_MINUTES": "1440",
                    # Counted as always, but high: these clients do in a minute what people do in a day
                    **{f"RATE_LIMIT_{name}": "1000000/60" for name in "ME PASSWORD DAV DEFAULT REGISTER LOGIN".split()}}
        bring_up(n)
    until("HAProxy leads to contactd", lambda: get(CLIENTS, "/readyz")[0] == 200)


def bring_up(number):
    """A contactd that cannot reach Postgres at its start ends, and its supervisor starts it again; here that is us."""
    part, address = PARTS[f"contactd-{number + 1}"], REPLICAS[number]

    def ready():
        if not part.running():
            part.start()
        return get(address, "/readyz")[0] == 200
    until(f"{part.name} is ready", ready)


def sql(text, database="contactd"):
    """As the superuser, at the primary."""
    answer = subprocess.run(
        [f"{POSTGRES_BIN}/psql", "-qAtX", "-v", "ON_ERROR_STOP=1", database], check=True, timeout=30,
        capture_output=True, text=True, input=text,
        env={**DEBIAN, "PGHOST": "127.0.0.1", "PGPORT": port_of(PRIMARY), "PGUSER": "postgres", "PGPASSWORD": PASSWORD,
             "CONTACTD_PASSWORD": PASSWORD})
    return answer.stdout.strip()


def set_up(binary, pool_mode):
    addresses()
    set_up_etcd()
    set_up_redis()
    set_up_postgres()
    set_up_balancers(pool_mode)
    # Every server counts as up until HAProxy has checked it, the standby too
    until("HAProxy leads to the primary", lambda: sql("SELECT pg_is_in_recovery()", "postgres") == "f")
    time.sleep(3)
    until("HAProxy leads to Redis", lambda: "PONG" in proxied_ping())
    sql(template("database.sql", {}), "postgres")
    set_up_contactd(binary)


def proxied_ping():
    REDIS.append(CACHE)  # has the password, too
    try:
        return redis(CACHE, "PING")
    finally:
        REDIS.remove(CACHE)


def tear_down():
    """In the opposite order; Patroni stops its Postgres."""
    for part in reversed(list(PARTS.values())):
        part.send(signal.SIGCONT)
        part.stop(15)
    for number in (0, 1):
        end_postgres(number)  # what a killed Patroni left
