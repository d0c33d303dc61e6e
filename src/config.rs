//! The environment (and `.env`) → [`Config`]. Every fault is reported at once, by the name of its
//! variable; a secret is never printed. No other file reads the environment.

mod settings;
mod sources;
mod values;
mod warnings;

pub use settings::{Config, LogFormat, Rate, Rates, Secret};
pub use values::trust;

use crate::mail;
use chrono::Duration;
use sources::{read_dotenv, read_secret_files};
use std::cell::RefCell;
use std::env::VarError;
use std::net::SocketAddr;
use values::{
    certificates, database_url, log_format, mail_dir, network, origin, public_url, rate, redis_url,
    registration, secret_key, security_contact, socket_addr,
};

const MIB: i64 = 1_024 * 1_024;

impl Config {
    /// Reads the environment, and `.env` in the working directory for what is not set there.
    /// Returns every fault, one line each.
    pub fn from_env() -> Result<Config, Vec<String>> {
        let (file, mut faults) = read_dotenv();
        let not_unicode = RefCell::new(Vec::new());
        let config = Config::read(|name| {
            #[allow(clippy::disallowed_methods, reason = "this is the one place")]
            match std::env::var(name) {
                Ok(value) if !value.trim().is_empty() => Some(value),
                Ok(_) | Err(VarError::NotPresent) => file.get(name).cloned(),
                Err(VarError::NotUnicode(_)) => {
                    not_unicode.borrow_mut().push(format!("{name} is not valid UTF-8"));
                    None
                }
            }
        });
        faults.append(&mut not_unicode.into_inner());
        faults.dedup();
        match config {
            Ok(config) if faults.is_empty() => Ok(config),
            Ok(_) => Err(faults),
            Err(mut more) => {
                // What cannot be read is not missing.
                let name = |fault: &String| fault.split(' ').next().unwrap_or_default().to_owned();
                let told: Vec<_> = faults.iter().map(name).collect();
                more.retain(|fault| !told.contains(&name(fault)));
                Err([faults, more].concat())
            }
        }
    }

    /// Reads a configuration from any source of variables. An empty value is an unset one, as
    /// Compose passes them; blanks and line ends around a value are invisible, and none of it.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Config, Vec<String>> {
        let get = |name: &str| {
            let value = lookup(name)?.trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        let (files, faults) = read_secret_files(&get);
        let get = |name: &str| files.get(name).cloned().or_else(|| get(name));
        let mut reader = Reader { get: &get, faults };
        let config = reader.config();
        match config {
            Some(config) if reader.faults.is_empty() => Ok(config),
            _ => Err(reader.faults),
        }
    }
}

struct Reader<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn config(&mut self) -> Option<Config> {
        let listen = (self.get)("LISTEN_ADDR").unwrap_or_else(|| "127.0.0.1:8000".to_owned());
        let listen_addr = self.note("LISTEN_ADDR", socket_addr(&listen));
        let own_url = listen_addr.map(|it| {
            let own = format!("http://{}", SocketAddr::new(it.ip(), it.port()));
            // Port 0 (any free one) is good for listening, though not for links.
            public_url(&own).unwrap_or(own)
        });
        let public_url = self.optional("PUBLIC_URL", public_url).or(own_url);
        let postgres = self.required("DATABASE_URL", database_url);
        let key = self.required("SECRET_KEY", secret_key);
        let mail_from = self.value("MAIL_FROM", "contactd@localhost", mail::parse_mail_from);
        let rates = Rates {
            login: self.rate("RATE_LIMIT_LOGIN", "10/60"),
            login_failures: self.rate("RATE_LIMIT_LOGIN_FAILURES", "5/900"),
            register: self.rate("RATE_LIMIT_REGISTER", "10/3600"),
            mail: self.rate("RATE_LIMIT_MAIL", "5/3600"),
            mailbox: self.rate("RATE_LIMIT_MAILBOX", "3/3600"),
            me: self.rate("RATE_LIMIT_ME", "60/60"),
            password: self.rate("RATE_LIMIT_PASSWORD", "10/60"),
            import: self.rate("RATE_LIMIT_IMPORT", "10/60"),
            dav: self.rate("RATE_LIMIT_DAV", "6000/3600"),
            default: self.rate("RATE_LIMIT_DEFAULT", "600/60"),
        };
        let mut config = Config {
            redis_url: self.optional("REDIS_URL", redis_url),
            redis_prefix: String::new(),
            public_url: public_url.unwrap_or_default(),
            smtp: self.optional("SMTP_URL", mail::parse_smtp_url),
            mail_dir: self.optional("MAIL_DIR", mail_dir).unwrap_or_else(|| "mail".into()),
            cors_origins: self.list("CORS_ORIGINS", origin),
            trusted_proxies: self.list("TRUSTED_PROXIES", network),
            access_token: Duration::minutes(self.number("ACCESS_TOKEN_MINUTES", 15, 1..=1_440)),
            refresh_token: Duration::days(self.number("REFRESH_TOKEN_DAYS", 30, 1..=3_650)),
            session: Duration::days(self.number("SESSION_DAYS", 180, 1..=3_650)),
            audit: self.audit_days(),
            max_contacts: self.number("MAX_CONTACTS", 100_000, 1..=100_000_000),
            max_storage: self.number("MAX_STORAGE_MB", 1_024, 1..=1_000_000_000) * MIB,
            registration_open: self.value("REGISTRATION", "open", registration).unwrap_or(true),
            security_contact: self.optional("SECURITY_CONTACT", security_contact),
            secret_key_old: self.optional("SECRET_KEY_OLD", secret_key),
            db_pool_size: self.number("DB_POOL_SIZE", 16, 1..=1_000).try_into().unwrap_or(16),
            max_connections: self
                .number("MAX_CONNECTIONS", 4_096, 1..=1_000_000)
                .try_into()
                .unwrap_or(4_096),
            rates,
            rate_limit_exempt: self.list("RATE_LIMIT_EXEMPT", network),
            log_format: self.value("LOG_FORMAT", "text", log_format).unwrap_or(LogFormat::Text),
            metrics_addr: self.optional("METRICS_ADDR", socket_addr),
            tls_ca: self.optional("TLS_CA_FILE", certificates),
            listen_addr: listen_addr?,
            mail_from: mail_from?,
            postgres: postgres?,
            secret_key: key?,
            warnings: Vec::new(),
        };
        config.warnings = warnings::all(&config);
        Some(config)
    }

    fn audit_days(&mut self) -> Option<Duration> {
        if (self.get)("AUDIT_DAYS").is_some_and(|raw| raw == "off") {
            return None;
        }
        let faults = self.faults.len();
        let days = self.number("AUDIT_DAYS", 365, 1..=36_500);
        self.faults.iter_mut().skip(faults).for_each(|fault| fault.push_str(", or off"));
        Some(Duration::days(days))
    }

    /// Passes a checked value on, or notes the fault under the variable's name.
    fn note<T>(&mut self, name: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|why| self.faults.push(format!("{name} {why}"))).ok()
    }

    fn required<T>(&mut self, name: &str, check: fn(&str) -> Result<T, String>) -> Option<T> {
        let file = format!("{name}_FILE ");
        if self.faults.iter().any(|fault| fault.starts_with(&file)) {
            // The file of this one cannot be read, and that is said already.
            return None;
        }
        let result = (self.get)(name).ok_or_else(|| "is required".to_owned());
        self.note(name, result.and_then(|raw| check(&raw)))
    }

    fn optional<T>(&mut self, name: &str, check: fn(&str) -> Result<T, String>) -> Option<T> {
        let raw = (self.get)(name)?;
        self.note(name, check(&raw))
    }

    /// A value that has a default.
    fn value<T>(
        &mut self,
        name: &str,
        default: &str,
        check: fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let raw = (self.get)(name);
        self.note(name, check(raw.as_deref().unwrap_or(default)))
    }

    fn number(&mut self, name: &str, default: i64, range: std::ops::RangeInclusive<i64>) -> i64 {
        let Some(raw) = (self.get)(name) else { return default };
        let number = raw.parse().ok().filter(|number| range.contains(number));
        let why = format!("must be a number from {} to {}", range.start(), range.end());
        self.note(name, number.ok_or(why)).unwrap_or(default)
    }

    fn rate(&mut self, name: &str, default: &str) -> Option<Rate> {
        self.value(name, default, rate).flatten()
    }

    fn list<T>(&mut self, name: &str, check: fn(&str) -> Result<T, String>) -> Vec<T> {
        let raw = (self.get)(name).unwrap_or_default();
        let items = raw.split(',').map(str::trim).filter(|item| !item.is_empty());
        let checked = items.map(check).collect::<Result<Vec<T>, String>>();
        self.note(name, checked).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
