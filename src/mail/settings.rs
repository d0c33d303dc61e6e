//! The settings of mail: the URL of a server and the sender, as the environment gives them.

use lettre::address::Address;
use lettre::message::Mailbox;
use std::fmt;
use url::{Host, Url};

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
    // Of each mail's envelope and Message-ID: an address in quotes, or at [127.0.0.1], would send none.
    let sends =
        |it: &Address| !it.user().contains('"') && is_message_id(&format!("x@{}", it.domain()));
    let address = parse_address(address).ok().filter(sends).ok_or(wrong)?;
    Ok(Mailbox::new(Some(name.to_owned()).filter(|name| !name.is_empty()), address))
}

/// An address with its domain in ASCII (`xn--…`), so that it can be written to through servers
/// without SMTPUTF8 too, as long as the part before the `@` is ASCII.
pub(super) fn parse_address(raw: &str) -> Result<Address, ()> {
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

/// `left@right` of RFC 5322, 3.6.4, in its plain form; also safe as the name of a file.
pub(super) fn is_message_id(id: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    id.len() <= 200 && id.split_once('@').is_some_and(|(left, right)| plain(left) && plain(right))
}
