//! [`Config`]: everything that can be set.

use crate::mail::SmtpSettings;
use chrono::Duration;
use ipnet::IpNet;
use lettre::message::Mailbox;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Text that must never be printed: `{:?}` shows stars, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text into custody.
    pub fn new(text: String) -> Secret {
        Secret(text)
    }

    /// The text itself. Look where it goes.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// So many requests in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests that a window allows.
    pub count: u64,
    /// Length of the window.
    pub seconds: u64,
}

/// The rate limits; `None` is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// Logins per address.
    pub login: Option<Rate>,
    /// Failed logins per account.
    pub login_failures: Option<Rate>,
    /// Registrations per address.
    pub register: Option<Rate>,
    /// Requests for mail per address.
    pub mail: Option<Rate>,
    /// Mails per mailbox.
    pub mailbox: Option<Rate>,
    /// `GET /api/users/me` per user.
    pub me: Option<Rate>,
    /// Calls inside a session that check the password, per user.
    pub password: Option<Rate>,
    /// Imports per user.
    pub import: Option<Rate>,
    /// CardDAV per app password.
    pub dav: Option<Rate>,
    /// Everything else per user, or per address without a session.
    pub default: Option<Rate>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Everything that can be set. See `.env.example` for what each is for.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where Postgres is; parsed from `DATABASE_URL`. Its `Debug` hides the password.
    pub postgres: postgres::Config,
    /// Where Redis is; none: no cache.
    pub redis_url: Option<Secret>,
    /// Put before every Redis key, so that tests share a Redis. Empty in production.
    pub redis_prefix: String,
    /// Signs access tokens, and all other keys come from it; at least 32 bytes.
    pub secret_key: Secret,
    /// The key before, for as long as what was made with it should count.
    pub secret_key_old: Option<Secret>,
    /// People may register; else accounts come from the command line.
    pub registration_open: bool,
    /// Where to listen.
    pub listen_addr: SocketAddr,
    /// Beginning of every link, without a slash at its end.
    pub public_url: String,
    /// The mail server; none: mails become files.
    pub smtp: Option<SmtpSettings>,
    /// Sender of every mail.
    pub mail_from: Mailbox,
    /// Folder for mails when there is no mail server.
    pub mail_dir: PathBuf,
    /// Origins whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// Networks whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Life of an access token.
    pub access_token: Duration,
    /// Life of a refresh token.
    pub refresh_token: Duration,
    /// Life of a session from its login on, however often it is refreshed.
    pub session: Duration,
    /// How long audit events are kept; none: for ever.
    pub audit: Option<Duration>,
    /// Most contacts of a user, the trash included.
    pub max_contacts: i64,
    /// Most bytes of a user's cards and their history.
    pub max_storage: i64,
    /// Where to report a hole, for `security.txt`; none: there is no such page.
    pub security_contact: Option<String>,
    /// Most connections to Postgres.
    pub db_pool_size: u32,
    /// Most client connections.
    pub max_connections: usize,
    /// The rate limits.
    pub rates: Rates,
    /// Networks without rate limits.
    pub rate_limit_exempt: Vec<IpNet>,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Where `/metrics` is served; none: nowhere.
    pub metrics_addr: Option<SocketAddr>,
    /// Certificates (PEM) to trust besides the public ones, for Postgres, Redis and SMTP.
    pub tls_ca: Option<Vec<u8>>,
    /// What the operator should look at, one line each, naming the variable.
    pub warnings: Vec<String>,
}

impl Config {
    /// How long after the last time the use of a page is written down again.
    pub fn page_renewal(&self) -> Duration {
        Duration::days(1).min(self.refresh_token / 2)
    }

    /// Clients reach this server over TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
