//! A world for one test: its own database schema, Redis prefix, mailbox and clock, with actors
//! who send requests. Without a Postgres and a Redis the test fails; `./dev test` starts both.

use chrono::{DateTime, Duration, Utc};
use contactd::app::{self, InFlight};
use contactd::batch::Contactd;
use contactd::config::Config;
use contactd::context::App;
use contactd::model::user::Role;
use contactd::repository::users::{self, NewUser};
use contactd::{crypto, db, worker};
use http1::{Look, Refusal, Service};
use rouille::{Request, Response};
use serde_json::{Value, json};
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

pub use crate::answer::{Answer, served};
pub use crate::description;

/// The password of every account that [`World::user`] makes.
pub const PASSWORD: &str = "correct horse battery staple";
/// Its hash, made once, because hashing is slow by design.
static PASSWORD_HASH: LazyLock<String> =
    LazyLock::new(|| crypto::Passwords::new().unwrap().enter().unwrap().hash(PASSWORD).unwrap());

/// A variable that `./dev test` sets.
pub fn variable(name: &str) -> String {
    optional_variable(name).unwrap_or_else(|| panic!("{name} is not set: run ./dev test"))
}

/// A variable that makes a test longer, or names something for it.
pub fn optional_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The settings of a test: everything of its own, and no rate limits.
pub fn config(name: &str) -> Config {
    let off = [
        "LOGIN",
        "LOGIN_FAILURES",
        "REGISTER",
        "MAIL",
        "MAILBOX",
        "ME",
        "PASSWORD",
        "IMPORT",
        "DAV",
        "DEFAULT",
    ];
    let off: Vec<_> = off.iter().map(|limit| format!("RATE_LIMIT_{limit}")).collect();
    let mut config = Config::read(|variable_name| match variable_name {
        "DATABASE_URL" => Some(variable("TEST_DATABASE_URL")),
        "REDIS_URL" => Some(variable("TEST_REDIS_URL")),
        "SECRET_KEY" => Some("a secret for tests, 32 bytes or more".to_owned()),
        "PUBLIC_URL" => Some("https://contacts.example".to_owned()),
        "DB_POOL_SIZE" => Some("4".to_owned()),
        other => off.iter().any(|limit| limit == other).then(|| "off".to_owned()),
    })
    .unwrap();
    config.postgres.options(&format!("-c search_path={name}"));
    config.redis_prefix = format!("{name}:");
    config.mail_dir = std::env::temp_dir().join(format!("contactd-test-{name}"));
    config
}

/// A name that nothing else has.
pub fn unique_name() -> String {
    format!("t_{}", crypto::random_uuid().unwrap().replace('-', ""))
}

pub struct World {
    pub app: Arc<App>,
    clock: Arc<AtomicI64>,
    mail_dir: PathBuf,
}

impl World {
    /// A world without rate limits, at noon of 22 November 2026.
    pub fn new() -> World {
        World::with(|_| {})
    }

    /// A world with other settings.
    pub fn with(change: impl FnOnce(&mut Config)) -> World {
        let name = unique_name();
        let mut config = config(&name);
        change(&mut config);
        let mut client =
            postgres::Client::connect(&variable("TEST_DATABASE_URL"), postgres::NoTls).unwrap();
        client.batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
        let noon: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let clock = Arc::new(AtomicI64::new(noon.timestamp_micros()));
        let mail_dir = config.mail_dir.clone();
        let app = App::new(config, World::reads(&clock)).unwrap();
        app.db.write(db::migrations::migrate).unwrap();
        World { app: Arc::new(app), clock, mail_dir }
    }

    fn reads(clock: &Arc<AtomicI64>) -> contactd::context::Clock {
        let clock = Arc::clone(clock);
        Box::new(move || DateTime::from_timestamp_micros(clock.load(Ordering::SeqCst)).unwrap())
    }

    /// Another replica: an `App` of its own on the same stores and clock.
    pub fn replica(&self) -> World {
        let app = App::new(self.app.config.clone(), World::reads(&self.clock)).unwrap();
        World { app: Arc::new(app), clock: self.clock.clone(), mail_dir: self.mail_dir.clone() }
    }

    /// Another replica with other settings.
    pub fn replica_of(&self, config: Config) -> World {
        let app = App::new(config, World::reads(&self.clock)).unwrap();
        World { app: Arc::new(app), clock: self.clock.clone(), mail_dir: self.mail_dir.clone() }
    }

    /// A replica whose clock is ahead of this one's by so much.
    pub fn replica_with_clock(&self, ahead: Duration) -> World {
        let now = self.clock.load(Ordering::SeqCst) + ahead.num_microseconds().unwrap();
        let clock = Arc::new(AtomicI64::new(now));
        let app = App::new(self.app.config.clone(), World::reads(&clock)).unwrap();
        World { app: Arc::new(app), clock, mail_dir: self.mail_dir.clone() }
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        self.clock.fetch_add(time.num_microseconds().unwrap(), Ordering::SeqCst);
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.app.now()
    }

    /// An actor without an account.
    pub fn nobody(&self) -> Actor {
        Actor {
            app: self.app.clone(),
            id: 0,
            name: "nobody".to_owned(),
            token: None,
            ip: [127, 0, 0, 1],
        }
    }

    /// A confirmed account `name` with address `name@example.com` and [`PASSWORD`], signed in.
    pub fn user(&self, name: &str) -> Actor {
        self.account(name, Role::User)
    }

    /// A user who is an admin.
    pub fn admin(&self, name: &str) -> Actor {
        self.account(name, Role::Admin)
    }

    /// Like [`World::user`], at another address.
    pub fn user_at(&self, name: &str, ip: [u8; 4]) -> Actor {
        self.account_at(name, Role::User, ip)
    }

    fn account(&self, name: &str, role: Role) -> Actor {
        self.account_at(name, role, self.nobody().ip)
    }

    fn account_at(&self, name: &str, role: Role, ip: [u8; 4]) -> Actor {
        let email = format!("{name}@example.com");
        let new = NewUser {
            username: name,
            email: &email,
            password_hash: &PASSWORD_HASH,
            role,
            is_verified: true,
            language: None,
        };
        let user = self.app.db.transaction(|tx| users::insert(tx, &new, self.now())).unwrap();
        Actor { id: user.id, name: name.to_owned(), ip, ..self.nobody() }.signed_in()
    }

    /// Sends the mail that is due, then every mail that `address` ever got, oldest first.
    pub fn mails_to(&self, address: &str) -> Vec<Mail> {
        worker::deliver_due(&self.app).unwrap();
        let Ok(files) = std::fs::read_dir(&self.mail_dir) else { return Vec::new() };
        let mut files: Vec<_> = files
            .map(|file| file.unwrap())
            .filter(|file| file.path().extension().is_some_and(|ending| ending == "eml"))
            .map(|file| (file.metadata().unwrap().modified().unwrap(), file.path()))
            .collect();
        files.sort();
        let mails = files.into_iter().map(|(_, path)| Mail(std::fs::read_to_string(path).unwrap()));
        mails.filter(|mail| mail.header("To") == address).collect()
    }

    /// The secret of the newest link that `address` got.
    pub fn link_token(&self, address: &str) -> String {
        let mails = self.mails_to(address);
        mails.iter().rev().find_map(Mail::token).expect("a mail with a link")
    }

    /// The single value of a query in this world's database.
    pub fn sql<T: for<'a> postgres::types::FromSql<'a>>(&self, query: &str) -> T {
        self.app.db.read(|db| Ok(db.query_one(query, &[])?.get(0))).unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.mail_dir);
    }
}

/// A mail as it was sent.
#[derive(Debug, Clone)]
pub struct Mail(pub String);

impl Mail {
    pub fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        self.0.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default().trim()
    }

    /// The whole mail with quoted-printable undone as far as links need it.
    pub fn text(&self) -> String {
        self.0.replace("=\r\n", "").replace("=3D", "=")
    }

    /// The secret of the mail's link.
    pub fn token(&self) -> Option<String> {
        let text = self.text();
        let after = ["/confirmed_email/", "/reset-password/"]
            .iter()
            .find_map(|path| text.split(path).nth(1))?;
        Some(after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect())
    }
}

/// A client that sends requests.
#[derive(Clone)]
pub struct Actor {
    pub app: Arc<App>,
    pub id: i64,
    pub name: String,
    pub token: Option<String>,
    pub ip: [u8; 4],
}

impl Actor {
    /// Signs in again: a new session.
    pub fn signed_in(&self) -> Actor {
        let tokens = self.log_in(PASSWORD).expect(200).json();
        let token = tokens["access_token"].as_str().unwrap().to_owned();
        Actor { token: Some(token), ..self.clone() }
    }

    /// The answer to a login with this password.
    pub fn log_in(&self, password: &str) -> Answer {
        let body = json!({"username": self.name, "password": password});
        Actor { token: None, ..self.clone() }.post("/api/auth/login", body)
    }

    /// The same actor with another access token, as it stands in an answer.
    pub fn with_token(&self, token: &Value) -> Actor {
        Actor { token: token.as_str().map(str::to_owned), ..self.clone() }
    }

    /// The same actor with an app password as HTTP Basic.
    pub fn with_basic(&self, name: &str, password: &str) -> Actor {
        use base64::Engine;
        let pair = format!("{name}:{password}");
        let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
        Actor { token: Some(format!("Basic {encoded}")), ..self.clone() }
    }

    /// Makes an app password; its secret.
    pub fn app_password(&self, scope: &str) -> String {
        let body = json!({"name": format!("my {scope}"), "scope": scope, "password": PASSWORD});
        let made = self.post("/api/users/me/app-passwords", body).expect(201).json();
        made["secret"].as_str().unwrap().to_owned()
    }

    /// The same actor at another address.
    pub fn at(&self, ip: [u8; 4]) -> Actor {
        Actor { ip, ..self.clone() }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.send_json("POST", path, body)
    }

    pub fn put(&self, path: &str, body: Value) -> Answer {
        self.send_json("PUT", path, body)
    }

    pub fn patch(&self, path: &str, body: Value) -> Answer {
        self.send_json("PATCH", path, body)
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], b"")
    }

    pub fn delete_with(&self, path: &str, body: Value) -> Answer {
        self.send_json("DELETE", path, body)
    }

    /// Posts an HTML form, already encoded.
    pub fn post_form(&self, path: &str, form: &str) -> Answer {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &headers, form.as_bytes())
    }

    pub fn send_json(&self, method: &str, path: &str, body: Value) -> Answer {
        let headers = [("Content-Type", "application/json")];
        self.send(method, path, &headers, body.to_string().as_bytes())
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send_while(method, path, headers, body, || ())
    }

    /// Something happens after the request was let in and before its body is here.
    pub fn send_while(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        meanwhile: impl FnOnce(),
    ) -> Answer {
        let mut all: Vec<(String, String)> = vec![
            ("Host".to_owned(), "evil.example".to_owned()),
            ("User-Agent".to_owned(), "test".to_owned()),
        ];
        all.extend(headers.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        let chunked = headers.iter().any(|(name, _)| *name == "Transfer-Encoding");
        if !body.is_empty() && !chunked {
            all.push(("Content-Length".to_owned(), body.len().to_string()));
        }
        if let Some(token) = &self.token {
            let value = match token.starts_with("Basic ") {
                true => token.clone(),
                false => format!("Bearer {token}"),
            };
            all.push(("Authorization".to_owned(), value));
        }
        let request =
            Request::fake_http_from((self.ip, 40_000).into(), method, path, all, body.to_vec());
        let answer =
            Answer::from(format!("{method} {path}"), respond_while(&self.app, request, meanwhile));
        description::check(method, path, &answer);
        answer
    }
}

/// The answer to one request, without a server and in the calling thread. `meanwhile` happens after the program
/// has decided and before the work. The server hands over a small body at once, and a large one to work that is
/// accepted; here every body waits for that.
pub fn respond_while(app: &Arc<App>, request: Request, meanwhile: impl FnOnce()) -> Response {
    let mut body = Vec::new();
    let limit = app::body_limit(request.method(), request.raw_url());
    // One byte more than may be: the handler answers 413 then.
    if let Some(data) = request.data()
        && data.take(limit + 1).read_to_end(&mut body).is_err()
    {
        return app::refuse(app, Refusal { status: 400, detail: "The body ended early." }, None);
    }
    let mut in_flight = InFlight::begin(app, request);
    Contactd(Arc::clone(app)).look_up(std::slice::from_mut(&mut in_flight));
    let mut look = in_flight.decide();
    meanwhile();
    loop {
        look = match look {
            Look::Answer(response) => return response,
            Look::Work(admission, work) => {
                work(admission.is_accepted.then(|| std::mem::take(&mut body)))
            }
        };
    }
}
