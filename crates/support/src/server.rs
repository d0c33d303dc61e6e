//! The real program on a real port, with a schema and a Redis prefix of its own.

use crate::world;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The program that cargo built for this test, which lies in the folder above the test's.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("contactd")
}

/// A running server; it is stopped as an operator would stop it, by SIGTERM.
pub struct Server {
    child: Child,
    pub url: String,
    pub mail_dir: PathBuf,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// With default settings and rate limits.
    pub fn start() -> Server {
        Server::with(&[])
    }

    /// With more environment variables.
    pub fn with(more: &[(&str, &str)]) -> Server {
        let name = world::unique_name();
        let mut client =
            postgres::Client::connect(&world::variable("TEST_DATABASE_URL"), postgres::NoTls)
                .unwrap();
        client.batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
        Server::in_schema(&name, more)
    }

    /// In a schema that is there already.
    pub fn in_schema(name: &str, more: &[(&str, &str)]) -> Server {
        let mail_dir = std::env::temp_dir().join(format!("contactd-test-{name}"));
        fs::create_dir_all(&mail_dir).unwrap();
        // A disk that is full may be played by a limit of file sizes; its signal is not wanted.
        let mut child = Command::new("sh")
            .args(["-c", "trap '' XFSZ && exec \"$0\""])
            .arg(program())
            .current_dir(&mail_dir) // where there is no .env
            .env("DATABASE_URL", database_url(name))
            .env("REDIS_URL", world::variable("TEST_REDIS_URL"))
            .env("SECRET_KEY", "a secret for tests, 32 bytes or more")
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("PUBLIC_URL", "http://127.0.0.1") // port 0 is in no link
            .env("MAIL_DIR", &mail_dir)
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let (log, url) = watch(child.stderr.take().unwrap());
        let deadline = Instant::now() + Duration::from_secs(30);
        while url.lock().unwrap().is_none() && Instant::now() < deadline {
            assert!(child.try_wait().unwrap().is_none(), "it ended: {}", log.lock().unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
        let url = url.lock().unwrap().clone();
        let url = url.unwrap_or_else(|| panic!("it does not listen: {}", log.lock().unwrap()));
        Server { child, url, mail_dir, log }
    }

    /// What it logged so far. Its thread writes every few milliseconds what came meanwhile.
    pub fn log(&self) -> String {
        std::thread::sleep(std::time::Duration::from_millis(50));
        self.log.lock().unwrap().clone()
    }

    /// The same, once this is in it.
    pub fn log_with(&self, part: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut log = self.log();
        while !log.contains(part) && Instant::now() < deadline {
            log = self.log();
        }
        log
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// `host:port`
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Sends one request and reads the answer to its end: status and body.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> std::io::Result<(u16, String)> {
        let answer = exchange(self.address(), method, path, headers, body)?;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok((status, body.to_owned()))
    }

    /// SIGTERM, and waits for its end; the exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_raw(self.pid()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        self.child.wait().unwrap().code()
    }

    /// SIGKILL: no goodbye.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.stop();
        }
        let _ = fs::remove_dir_all(&self.mail_dir);
    }
}

/// One request on a connection of its own; the whole answer.
pub fn exchange(
    address: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// `TEST_DATABASE_URL` in a schema.
pub fn database_url(schema: &str) -> String {
    let url = world::variable("TEST_DATABASE_URL");
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-csearch_path%3D{schema}")
}

type Shared<T> = Arc<Mutex<T>>;

/// Collects the log, and the address that the server listens on.
fn watch(stderr: impl Read + Send + 'static) -> (Shared<String>, Shared<Option<String>>) {
    let (log, url) = (Shared::<String>::default(), Shared::<Option<String>>::default());
    let (to_log, to_url) = (log.clone(), url.clone());
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Some((_, address)) = line.split_once(" on http://") {
                *to_url.lock().unwrap() =
                    Some(format!("http://{}", address.trim_end_matches(['"', '}'])));
            }
            to_log.lock().unwrap().push_str(&format!("{line}\n"));
        }
    });
    (log, url)
}
