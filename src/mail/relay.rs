//! One letter to an SMTP server, over a connection of its own.

use super::letter::Letter;
use super::settings::{Security, SmtpSettings};
use crate::error::{Error, Result};
use lettre::message::Message;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use std::fmt;
use std::io;
use std::time::Duration;
use url::{Host, Url};

/// Longest waits for a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// For a connection, for each address of the server.
    pub(super) connect: Duration,
    /// For the answer to one command.
    pub(super) command: Duration,
    /// For the answer to QUIT: the mail is out, so nothing depends on it.
    pub(super) quit: Duration,
}

pub(super) const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    command: Duration::from_secs(15),
    quit: Duration::from_secs(1),
};

/// A letter that was not sent, as far as we know.
#[derive(Debug)]
pub struct NotSent {
    /// Why.
    pub error: Error,
    /// The server was cut off before it could say whether it took the letter.
    pub may_have_arrived: bool,
}

impl From<Error> for NotSent {
    fn from(error: Error) -> NotSent {
        NotSent { error, may_have_arrived: false }
    }
}

/// The name by which this server greets (RFC 5321, 4.1.1.1): the host of its own address.
pub(super) fn hello(public_url: &str) -> ClientId {
    // Some mail servers hang up on a name with other characters.
    let of_name = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    match Url::parse(public_url).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) if name.bytes().all(of_name) => ClientId::Domain(name.to_owned()),
        Some(Host::Ipv4(address)) => ClientId::Ipv4(address),
        Some(Host::Ipv6(address)) => ClientId::Ipv6(address),
        Some(Host::Domain(_)) | None => ClientId::default(),
    }
}

/// An SMTP server and what is needed to talk to it.
pub(super) struct Relay {
    settings: SmtpSettings,
    hello: ClientId,
    /// Present unless [`Security::Off`].
    tls: Option<TlsParameters>,
    pub(super) timeouts: Timeouts,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

impl Relay {
    pub(super) fn new(
        settings: SmtpSettings,
        hello: ClientId,
        extra_ca: Option<&[u8]>,
    ) -> Result<Relay, String> {
        if settings.security == Security::Off {
            return Ok(Relay { settings, hello, tls: None, timeouts: TIMEOUTS });
        }
        let mut builder = TlsParameters::builder(settings.host.clone());
        if let Some(pem) = extra_ca {
            let certificate = Certificate::from_pem(pem).map_err(|why| why.to_string())?;
            builder = builder.add_root_certificate(certificate);
        }
        let tls = builder.build_rustls().map_err(|why| why.to_string())?;
        Ok(Relay { settings, hello, tls: Some(tls), timeouts: TIMEOUTS })
    }

    /// Connects for this one letter. Mails are rare, and a connection that was kept would often
    /// turn out to be dead.
    pub(super) fn deliver(&self, message: &Message, letter: &Letter) -> Result<(), NotSent> {
        let mut connection = self.connect()?;
        let sent = connection.send(message.envelope(), &message.formatted());
        sent.map_err(|why| NotSent {
            error: self.trouble(&why, letter.token.as_deref()),
            // A server that answers no has taken nothing.
            may_have_arrived: why.status().is_none() && !why.is_client(),
        })?;
        self.quit(connection);
        Ok(())
    }

    /// A connection that is encrypted and signed in as the settings ask for.
    pub(super) fn connect(&self) -> Result<SmtpConnection> {
        let mut connection = self.greet().map_err(|why| self.trouble(&why, None))?;
        if let (Security::StartTls, Some(tls)) = (self.settings.security, &self.tls) {
            let secured = connection.starttls(tls, &self.hello);
            secured.map_err(|why| self.trouble(&why, None))?;
        }
        if let Some((user, password)) = &self.settings.credentials {
            let credentials = Credentials::new(user.clone(), password.clone());
            // Some servers repeat the line they did not like: of a refusal only the code is logged.
            connection.auth(DEFAULT_MECHANISMS, &credentials).map_err(|why| {
                match why.status() {
                    Some(code) if why.is_permanent() => {
                        Error::Internal(format!("{} refuses the password: {code}", self.name()))
                    }
                    Some(code) => {
                        Error::Unavailable(format!("{} cannot sign us in now: {code}", self.name()))
                    }
                    None => self.trouble(&why, None),
                }
            })?;
        }
        Ok(connection)
    }

    /// Connects and reads the greeting.
    ///
    /// lettre has one timeout for connecting and for the greeting, but servers that look up who
    /// connects may take long for the latter. One that was reached in time and then sent
    /// nothing gets a second try with a longer timeout.
    fn greet(&self) -> Result<SmtpConnection, smtp::Error> {
        let tls = self.tls.as_ref().filter(|_| self.settings.security == Security::Tls);
        let dial = |timeout| {
            let server = (self.settings.host.as_str(), self.settings.port);
            SmtpConnection::connect(server, Some(timeout), &self.hello, tls, None)
        };
        let mut connection = match dial(self.timeouts.connect) {
            Err(why) if is_silence(&why) => dial(self.timeouts.command),
            result => result,
        }?;
        // That cannot fail on an open socket; where it does, the shorter timeout stays.
        let _ = connection.set_timeout(Some(self.timeouts.command));
        Ok(connection)
    }

    /// Ends the session by QUIT. The mail is out, whatever comes back.
    pub(super) fn quit(&self, mut connection: SmtpConnection) {
        let _ = connection.set_timeout(Some(self.timeouts.quit));
        let _ = connection.quit();
    }

    fn name(&self) -> String {
        format!("SMTP server {}:{}", self.settings.host, self.settings.port)
    }

    /// What went wrong, for the log.
    fn trouble(&self, why: &smtp::Error, token: Option<&str>) -> Error {
        let password = self.settings.credentials.as_ref().map(|(_, password)| password.as_str());
        let what = match is_silence(why) {
            true => "no answer in time".to_owned(),
            false => redact(&why.to_string(), token, password),
        };
        let text = format!("{}: {what}", self.name());
        match why.is_permanent() || why.is_client() {
            true => Error::Internal(text),
            false => Error::Unavailable(text),
        }
    }
}

/// True if a read ran into its timeout (`EAGAIN`; a connection that cannot be made is
/// `ETIMEDOUT`).
fn is_silence(why: &smtp::Error) -> bool {
    let mut cause = std::error::Error::source(why);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return io.kind() == io::ErrorKind::WouldBlock;
        }
        cause = inner.source();
    }
    false
}

/// A server's words, fit for the log: no link or part of one (a spam filter may quote the link it
/// does not like), no password, one line, not long.
pub(super) fn redact(text: &str, token: Option<&str>, password: Option<&str>) -> String {
    let start = token.map(|token| token.get(..8).unwrap_or(token));
    let is_secret = |word: &str| {
        word.contains("://")
            || word.contains("/api/")
            || [start, password].into_iter().flatten().any(|secret| word.contains(secret))
    };
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words = words.filter(|word| !word.is_empty());
    let words: Vec<_> = words.map(|word| if is_secret(word) { "***" } else { word }).collect();
    words.join(" ").chars().take(300).collect()
}
