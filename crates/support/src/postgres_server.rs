//! A Postgres of a test's own, which it may stop, kill, hang, copy and promote.

use crate::redis_server::free_port;
use crate::world::variable;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// An empty database cluster, made once and copied for each server.
static EMPTY: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = folder("empty");
    let password = folder.with_extension("password");
    fs::write(&password, PASSWORD.as_str()).unwrap();
    // The folder is closed to others; the stores' user has to read it, whatever our umask is.
    fs::set_permissions(&password, fs::Permissions::from_mode(0o644)).unwrap();
    let mut initdb = program("initdb");
    initdb.arg("-D").arg(&folder).args(["-U", "contactd", "-A", "md5", "--no-sync"]);
    initdb.args(["-E", "UTF8", "--locale", "C.UTF-8", "--pwfile"]).arg(&password);
    finish(&mut initdb);
    folder
});

/// Its own, so that no test ever talks to another's server.
static PASSWORD: LazyLock<String> = LazyLock::new(crate::world::unique_name);

pub struct PostgresServer {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl PostgresServer {
    /// Starts an empty one. Nothing is synced to the disk: what a killed process has written stays
    /// with the kernel, and a power cut is none of these tests.
    pub fn start() -> PostgresServer {
        PostgresServer::with("fsync = off\nwal_log_hints = on\nmax_connections = 200\n")
    }

    /// With these settings.
    pub fn with(settings: &str) -> PostgresServer {
        let folder = folder("pg");
        finish(as_store("cp").arg("-R").arg(&*EMPTY).arg(&folder));
        append(&folder.join("postgresql.conf"), settings);
        PostgresServer::run_in(folder)
    }

    fn run_in(folder: PathBuf) -> PostgresServer {
        let port = free_port(NUMBER.fetch_add(1, Ordering::Relaxed));
        let server = PostgresServer { child: run(port, &folder), port, folder };
        server.wait();
        server
    }

    /// A standby that follows this server; `name` is what it calls itself.
    pub fn standby(&self, name: &str) -> PostgresServer {
        let folder = folder(name);
        let mut copy = program("pg_basebackup");
        copy.env("PGPASSWORD", PASSWORD.as_str()).arg("-D").arg(&folder);
        copy.args(["-h", "127.0.0.1", "-U", "contactd", "-p", &self.port.to_string()]);
        finish(copy.args(["-X", "stream", "-c", "fast", "--no-sync"]));
        let (port, password) = (self.port, PASSWORD.as_str());
        append(
            &folder.join("postgresql.conf"),
            &format!(
                "primary_conninfo = 'host=127.0.0.1 port={port} user=contactd password={password} application_name={name}'\n"
            ),
        );
        fs::write(folder.join("standby.signal"), "").unwrap();
        PostgresServer::run_in(folder)
    }

    /// The standby becomes a primary; waits until it takes writes.
    pub fn promote(&self) {
        finish(program("pg_ctl").arg("promote").arg("-D").arg(&self.folder));
    }

    /// Where its data are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Settings that count from the next start, or from [`PostgresServer::reload`].
    pub fn set(&self, settings: &str) {
        append(&self.folder.join("postgresql.conf"), settings);
    }

    pub fn reload(&self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).unwrap();
    }

    pub fn url(&self) -> String {
        PostgresServer::url_of(&[self])
    }

    /// For clients that look among these servers for one.
    pub fn url_of(servers: &[&PostgresServer]) -> String {
        let hosts: Vec<_> = servers.iter().map(|it| format!("127.0.0.1:{}", it.port)).collect();
        format!("postgres://contactd:{}@{}/postgres", PASSWORD.as_str(), hosts.join(","))
    }

    pub fn client(&self) -> postgres::Client {
        postgres::Client::connect(&self.url(), postgres::NoTls).unwrap()
    }

    /// `pg_ctl stop -m immediate`: every process ends at once, without a checkpoint.
    pub fn stop_at_once(&mut self) {
        let processes = self.processes();
        kill_process(Pid::from_child(&self.child), Signal::QUIT).unwrap();
        self.gone(&processes);
    }

    /// `kill -9` for every process of it.
    pub fn kill(&mut self) {
        let processes = self.processes();
        signal(&processes, Signal::KILL);
        self.gone(&processes);
    }

    /// It keeps its connections, takes new ones, and answers nothing.
    pub fn hang(&self) {
        signal(&self.processes(), Signal::STOP);
    }

    pub fn go_on(&self) {
        signal(&self.processes(), Signal::CONT);
    }

    /// Starts it again on its port; returns when it answers.
    pub fn restart(&mut self) {
        // A process that was not waited for counts as alive, and its number may be another's.
        let _ = fs::remove_file(self.folder.join("postmaster.pid"));
        self.child = run(self.port, &self.folder);
        self.wait();
    }

    /// The postmaster first, so that it starts no more of them.
    fn processes(&self) -> Vec<Pid> {
        let own = Pid::from_child(&self.child);
        let id = own.as_raw_pid();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))
            .or_else(|_| {
                let listed = Command::new("pgrep").args(["-P", &id.to_string()]).output()?;
                Ok::<_, std::io::Error>(String::from_utf8_lossy(&listed.stdout).into_owned())
            })
            .expect("the children of Postgres");
        let children = children.split_whitespace().map(|number| number.parse().unwrap());
        [own].into_iter().chain(children.filter_map(Pid::from_raw)).collect()
    }

    /// Waits until none of these processes is left: its memory is given back then.
    fn gone(&mut self, processes: &[Pid]) {
        self.child.wait().unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        for &process in processes.iter().skip(1) {
            while test_kill_process(process).is_ok() && !is_zombie(process) {
                assert!(Instant::now() < end, "a process of Postgres does not end");
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    fn wait(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        while let Err(error) = postgres::Client::connect(&self.url(), postgres::NoTls) {
            assert!(Instant::now() < end, "Postgres did not start: {error}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.go_on();
            self.stop_at_once();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// It has ended, and whoever should take note has not: there is nothing left of it but a number.
fn is_zombie(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_pid()));
    stat.is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
}

fn signal(processes: &[Pid], signal: Signal) {
    for &process in processes {
        let _ = kill_process(process, signal); // it may have ended by itself
    }
}

static NUMBER: AtomicUsize = AtomicUsize::new(1_000);

/// A name for a folder of the stores' user's, where `./dev` ends whatever a killed test leaves.
fn folder(name: &str) -> PathBuf {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("fault-{name}-{}-{number}", std::process::id());
    Path::new(&variable("TEST_STORES_DIR")).join(name)
}

/// A program, run as the stores' user: Postgres refuses root.
fn as_store(program: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let number = |name| variable(name).parse().unwrap();
    let mut command = Command::new(program);
    command.uid(number("TEST_STORES_UID")).gid(number("TEST_STORES_GID"));
    command.current_dir(variable("TEST_STORES_DIR")).stdin(Stdio::null());
    command
}

/// One of Postgres' own programs.
fn program(name: &str) -> Command {
    let mut command = as_store(&format!("{}/{name}", variable("TEST_POSTGRES_BIN")));
    command.env("TZ", "UTC");
    command
}

fn run(port: u16, folder: &Path) -> Child {
    let mut append = fs::OpenOptions::new();
    let log = append.create(true).append(true).open(folder.with_extension("log")).unwrap();
    let mut postgres = program("postgres");
    postgres.arg("-D").arg(folder).args(["-p", &port.to_string()]);
    postgres.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
    postgres.stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

fn finish(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn append(file: &Path, text: &str) {
    use std::io::Write;
    fs::OpenOptions::new().append(true).open(file).unwrap().write_all(text.as_bytes()).unwrap();
}
