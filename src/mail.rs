//! One message out: by SMTP, or into a file where no SMTP server is set. The outbox calls this
//! again when it fails, so nothing here retries or keeps anything.

mod letter;

pub use letter::{Kind, Letter};

use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use lettre::address::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, MultiPart, SinglePart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::{Host, Url};

/// Longest waits for a server.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For a connection, for each address of the server.
    connect: Duration,
    /// For the answer to one command.
    command: Duration,
    /// For the answer to QUIT: the mail is out, so nothing depends on it.
    quit: Duration,
}

const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    command: Duration::from_secs(15),
    quit: Duration::from_secs(1),
};

/// How a connection to the SMTP server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS by STARTTLS. A server that does not offer it gets no mail and no password.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None. For a server on the same machine.
    Off,
}

/// An SMTP server, as [`parse_smtp_url`] reads it.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    /// A name or an IP address, the latter without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// TLS or not.
    pub security: Security,
    /// User and password, where the server asks for them.
    pub credentials: Option<(String, String)>,
}

/// Without the password.
impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("user", &self.credentials.as_ref().map(|(user, _)| user))
            .finish_non_exhaustive()
    }
}

/// Reads `smtp://user:password@host:587` (STARTTLS required; `?tls=off` to do without) or
/// `smtps://…` (TLS from the start, port 465). User and password may be absent; what is special
/// in a URL is written `%40` there. The error never repeats a part of the input, because any part
/// may turn out to be one of the password.
pub fn parse_smtp_url(raw: &str) -> Result<SmtpSettings, String> {
    let wrong = "must be smtp://user:password@host:port, or without user, password and port (in \
                 the user and the password : is written %3A, / %2F, ? %3F, # %23, @ %40)";
    // The URL standard would drop them in silence.
    if raw.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(format!("{wrong}, with a host after the @"));
    }
    let url = Url::parse(raw).map_err(|_| wrong.to_owned())?;
    let (default_port, security) = match (url.scheme(), url.query()) {
        ("smtp", None) => (587, Security::StartTls),
        ("smtp", Some("tls=off")) => (587, Security::Off),
        ("smtps", None) => (465, Security::Tls),
        ("smtp" | "smtps", _) => {
            return Err("takes no options but ?tls=off after smtp:// (a ? in the password is \
                        written %3F)"
                .to_owned());
        }
        _ => return Err("must begin with smtp:// or smtps://".to_owned()),
    };
    if !["", "/"].contains(&url.path()) || url.fragment().is_some() {
        return Err("must not have a path (in the password, / is written %2F and # %23)".to_owned());
    }
    let port = url.port().unwrap_or(default_port);
    if port == 0 {
        return Err("must have a port from 1 to 65535, or none".to_owned());
    }
    let of_name = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let host = match url.host() {
        Some(Host::Domain(name)) if name.bytes().all(of_name) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        _ => return Err(wrong.to_owned()),
    };
    Ok(SmtpSettings { host, port, security, credentials: credentials(&url)? })
}

/// User and password of a URL, percent-decoded; both or neither.
fn credentials(url: &Url) -> Result<Option<(String, String)>, String> {
    let decode = |part: &str| {
        let decoded = percent_encoding::percent_decode_str(part).decode_utf8().ok()?;
        let usable = !decoded.is_empty() && !decoded.contains(char::is_control);
        usable.then(|| decoded.into_owned())
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, password) => match (decode(user), password.and_then(decode)) {
            (Some(user), Some(password)) => Ok(Some((user, password))),
            _ => Err("must have both a user and a password before the @, or neither; they are \
                      UTF-8, percent-encoded, without control characters"
                .to_owned()),
        },
    }
}

/// Reads a sender: `box@example.com` or `Name <box@example.com>`.
pub fn parse_mail_from(raw: &str) -> Result<Mailbox, String> {
    let wrong = "must be an address, or a name and an <address>";
    let raw = raw.trim();
    // lettre panics on CR and LF in a name.
    if raw.contains(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    let (name, address) = match raw.strip_suffix('>').and_then(|raw| raw.rsplit_once('<')) {
        Some((name, address)) => (name.trim(), address.trim()),
        None => ("", raw),
    };
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    let address = parse_address(address).map_err(|()| wrong.to_owned())?;
    Ok(Mailbox::new(Some(name.to_owned()).filter(|name| !name.is_empty()), address))
}

/// An address with its domain in ASCII (`xn--…`), so that it can be written to through servers
/// without SMTPUTF8 too, as long as the part before the `@` is ASCII.
fn parse_address(raw: &str) -> Result<Address, ()> {
    if raw.contains(char::is_control) {
        return Err(());
    }
    let address: Address = raw.parse().map_err(drop)?;
    if address.domain().is_ascii() {
        return Ok(address);
    }
    let domain = idna::domain_to_ascii(address.domain()).map_err(drop)?;
    Address::new(address.user(), domain).map_err(drop)
}

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

/// Where mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// To an SMTP server.
    Smtp(SmtpSettings),
    /// As `.eml` files into this directory, which is made when needed. The links of the mails go
    /// to the log as well: this is for trying things out.
    Files(PathBuf),
}

/// Writes mails and brings them out. One for the process.
#[derive(Debug)]
pub struct Mailer {
    from: Mailbox,
    /// Without a slash at the end.
    public_url: String,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Smtp(Box<Relay>),
    Files(PathBuf),
}

impl Mailer {
    /// A mailer. `public_url` is where links begin; it never comes from a request. Servers are
    /// checked against the roots of webpki-roots, and those in `extra_ca` (PEM), if given. Fails
    /// when that is no PEM.
    pub fn new(
        transport: Transport,
        from: Mailbox,
        public_url: &str,
        extra_ca: Option<&[u8]>,
    ) -> Result<Mailer, String> {
        let public_url = public_url.trim_end_matches('/').to_owned();
        let way = match transport {
            Transport::Smtp(settings) => {
                Way::Smtp(Box::new(Relay::new(settings, hello(&public_url), extra_ca)?))
            }
            Transport::Files(directory) => Way::Files(directory),
        };
        Ok(Mailer { from, public_url, way })
    }

    /// The sender's domain, which names the place where a `Message-ID` was made.
    pub fn domain(&self) -> &str {
        self.from.email.domain()
    }

    /// Brings one letter out; `now` becomes its date. Can take half a minute with a server that
    /// hangs, so no transaction may wait for it. What failed may have arrived all the same, if
    /// the server was cut off before it could answer; the `Message-ID` stays the same then.
    ///
    /// Fails with [`Error::Unavailable`] where time may help (no connection, a 4xx answer, a full
    /// disk), with [`Error::Internal`] where somebody must (a 5xx answer, no STARTTLS, a letter
    /// without its token). Neither text holds a token or a password.
    pub fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<()> {
        self.hand_over(letter, now).map_err(|not_sent| not_sent.error)
    }

    /// Like [`Mailer::send`], and says of a failure whether the letter may have arrived all the same.
    pub fn hand_over(&self, letter: &Letter, now: DateTime<Utc>) -> Result<(), NotSent> {
        let link = letter.link(&self.public_url)?;
        let message = self.message(letter, link.as_deref(), now)?;
        match &self.way {
            Way::Smtp(relay) => relay.deliver(&message, letter),
            Way::Files(directory) => {
                let written = write_file(directory, &letter.message_id, &message.formatted());
                let path = written.map_err(NotSent::from)?;
                // Only here may a link be logged: nobody but the operator gets these mails.
                let link = link.as_deref().unwrap_or("no link");
                log::info!("mail to {} in {}: {link}", letter.to, path.display());
                Ok(())
            }
        }
    }

    /// Tries the way out without sending anything: signs in at the SMTP server, or makes the
    /// directory and a file there, which goes at once.
    pub fn check(&self) -> Result<()> {
        match &self.way {
            Way::Smtp(relay) => relay.connect().map(|connection| relay.quit(connection)),
            Way::Files(directory) => try_directory(directory)
                .map_err(|why| Error::Unavailable(format!("{}: {why}", directory.display()))),
        }
    }

    fn message(&self, letter: &Letter, link: Option<&str>, now: DateTime<Utc>) -> Result<Message> {
        let about = |what| Error::internal(format!("{letter:?} has {what}"));
        // Bare, without the user's name: no header ever holds what a user typed, but the address.
        let to = parse_address(&letter.to).map_err(|()| about("no valid address"))?;
        if !is_message_id(&letter.message_id) {
            return Err(about("no valid message id"));
        }
        let (text, html) = letter.parts(&self.public_url, link);
        // RFC 3834, 5: no holiday answers to this.
        let auto_submitted = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .message_id(Some(format!("<{}>", letter.message_id)))
            .date(now.into())
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject())
            .raw_header(HeaderValue::new(auto_submitted, "auto-generated".to_owned()))
            .multipart(
                MultiPart::alternative()
                    .singlepart(part(ContentType::TEXT_PLAIN, text))
                    .singlepart(part(ContentType::TEXT_HTML, html)),
            )
            .map_err(|why| Error::internal(format!("{letter:?}: {why}")))
    }
}

/// A part of a mail. lettre would encode every text with a line of more than 76 characters, and so
/// break links apart for whoever looks into an `.eml` file; RFC 5322, 2.1.1, allows 998.
fn part(kind: ContentType, text: String) -> SinglePart {
    let as_it_is = text.is_ascii() && text.lines().all(|line| line.len() <= 998);
    let body = match as_it_is {
        true => {
            let lines = text.lines().collect::<Vec<_>>().join("\r\n");
            Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::SevenBit)
        }
        false => Body::new(text),
    };
    SinglePart::builder().header(kind).body(body)
}

/// `left@right` of RFC 5322, 3.6.4, in its plain form; also safe as the name of a file.
fn is_message_id(id: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    id.len() <= 200 && id.split_once('@').is_some_and(|(left, right)| plain(left) && plain(right))
}

/// The name by which this server greets (RFC 5321, 4.1.1.1): the host of its own address.
fn hello(public_url: &str) -> ClientId {
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
struct Relay {
    settings: SmtpSettings,
    hello: ClientId,
    /// Present unless [`Security::Off`].
    tls: Option<TlsParameters>,
    patience: Patience,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

impl Relay {
    fn new(
        settings: SmtpSettings,
        hello: ClientId,
        extra_ca: Option<&[u8]>,
    ) -> Result<Relay, String> {
        if settings.security == Security::Off {
            return Ok(Relay { settings, hello, tls: None, patience: PATIENCE });
        }
        let mut builder = TlsParameters::builder(settings.host.clone());
        if let Some(pem) = extra_ca {
            let certificate = Certificate::from_pem(pem).map_err(|why| why.to_string())?;
            builder = builder.add_root_certificate(certificate);
        }
        let tls = builder.build_rustls().map_err(|why| why.to_string())?;
        Ok(Relay { settings, hello, tls: Some(tls), patience: PATIENCE })
    }

    /// Connects for this one letter. Mails are rare, and a connection that was kept would often
    /// turn out to be dead.
    fn deliver(&self, message: &Message, letter: &Letter) -> Result<(), NotSent> {
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
    fn connect(&self) -> Result<SmtpConnection> {
        let mut connection = self.greet().map_err(|why| self.trouble(&why, None))?;
        if let (Security::StartTls, Some(tls)) = (self.settings.security, &self.tls) {
            let secured = connection.starttls(tls, &self.hello);
            secured.map_err(|why| self.trouble(&why, None))?;
        }
        if let Some((user, password)) = &self.settings.credentials {
            let credentials = Credentials::new(user.clone(), password.clone());
            // Some servers repeat the line they did not like: of a refusal only the code is told.
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

    /// Connects and hears the greeting.
    ///
    /// lettre has one timeout for connecting and for the greeting, but servers that look up who
    /// is calling may take long for the latter. One that was reached in time and then said
    /// nothing gets a second call with more patience.
    fn greet(&self) -> Result<SmtpConnection, smtp::Error> {
        let tls = self.tls.as_ref().filter(|_| self.settings.security == Security::Tls);
        let call = |patience| {
            let server = (self.settings.host.as_str(), self.settings.port);
            SmtpConnection::connect(server, Some(patience), &self.hello, tls, None)
        };
        let mut connection = match call(self.patience.connect) {
            Err(why) if is_silence(&why) => call(self.patience.command),
            result => result,
        }?;
        // That cannot fail on an open socket; where it does, the shorter timeout stays.
        let _ = connection.set_timeout(Some(self.patience.command));
        Ok(connection)
    }

    /// Takes leave. The mail is out, whatever comes back.
    fn quit(&self, mut connection: SmtpConnection) {
        let _ = connection.set_timeout(Some(self.patience.quit));
        let _ = connection.quit();
    }

    fn name(&self) -> String {
        format!("SMTP server {}:{}", self.settings.host, self.settings.port)
    }

    /// What went wrong, for the log.
    fn trouble(&self, why: &smtp::Error, token: Option<&str>) -> Error {
        let password = self.settings.credentials.as_ref().map(|(_, password)| password.as_str());
        let text = format!("{}: {}", self.name(), redact(&why.to_string(), token, password));
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
fn redact(text: &str, token: Option<&str>, password: Option<&str>) -> String {
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

/// Writes a whole mail or nothing. The name comes from the message id, so a second try replaces
/// the first. Only the owner may read it: it holds the link.
fn write_file(directory: &Path, message_id: &str, mail: &[u8]) -> Result<PathBuf> {
    let path = directory.join(format!("{message_id}.eml"));
    let part = directory.join(format!(".{message_id}.part"));
    let write = || -> io::Result<()> {
        make_directory(directory)?;
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(mail)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        fs::File::open(directory)?.sync_all()
    };
    write().map_err(|why| {
        // What is half written helps nobody, and on a full disk it is in the way.
        let _ = fs::remove_file(&part);
        Error::Unavailable(format!("{}: {why}", path.display()))
    })?;
    Ok(path)
}

fn try_directory(directory: &Path) -> io::Result<()> {
    make_directory(directory)?;
    let probe = directory.join(".contactd-check");
    fs::write(&probe, "a mail would be here")?;
    fs::remove_file(probe)
}

fn make_directory(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(test)]
mod tests;
