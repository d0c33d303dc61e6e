//! The text of each setting → its value, or what is wrong with it. No error repeats the text, which
//! may hold a secret.

use super::settings::{LogFormat, Rate, Secret};
use crate::model::text;
use ipnet::IpNet;
use postgres::config::{ChannelBinding, Host, SslMode};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use url::Url;

/// The values of `SECRET_KEY` that are public.
pub(super) const EXAMPLE_SECRETS: [&str; 1] = ["change-me-change-me-change-me-change-me"];

/// `DATABASE_URL`.
pub fn database_url(raw: &str) -> Result<postgres::Config, String> {
    // The driver's error may quote the URL, so it is not shown.
    let wrong = "must be postgres://user:password@host:port/database (in the password @ is written %40 and \
                 % %25); ?sslmode=require asks for TLS and verifies the certificate, also by TLS_CA_FILE";
    let parsed = postgres::Config::from_str(raw).ok();
    // The driver takes the first @ for the end of the password, and the rest of it for a host.
    let parsed = parsed.filter(|_| !raw.contains("://") || raw.matches('@').count() < 2);
    let mut config = parsed.ok_or(wrong)?;
    if config.get_channel_binding() == ChannelBinding::Require {
        return Err(
            "must be without channel_binding=require, by which no connection comes about; \
                    sslmode=require verifies the certificate"
                .to_owned(),
        );
    }
    if config.get_dbname().is_none() || config.get_hosts().is_empty() {
        return Err("must name a host and a database".to_owned());
    }
    // The driver's default is to try TLS and to refuse a certificate that it cannot verify.
    // Debian's Postgres offers a self-signed one, so on this very machine do without; elsewhere
    // the default stands, and sslmode=require or disable always counts as written.
    if is_local(&config) && config.get_ssl_mode() == SslMode::Prefer {
        config.ssl_mode(SslMode::Disable);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(std::time::Duration::from_secs(5));
    }
    // Notices a server that vanished without a word, for example after a failover.
    config.keepalives_idle(std::time::Duration::from_secs(30));
    config.tcp_user_timeout(std::time::Duration::from_secs(15));
    Ok(config)
}

/// All its hosts are this machine.
pub(super) fn is_local(config: &postgres::Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => is_here(name),
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

/// It is this machine.
pub(super) fn is_here(host: &str) -> bool {
    ["localhost", "127.0.0.1", "::1"].contains(&host)
}

/// `SECRET_KEY` and `SECRET_KEY_OLD`.
pub fn secret_key(raw: &str) -> Result<Secret, String> {
    if EXAMPLE_SECRETS.contains(&raw) {
        return Err("is the example value; make one with: openssl rand -base64 48".to_owned());
    }
    if raw.len() < 32 {
        return Err("must have at least 32 bytes".to_owned());
    }
    Ok(Secret::new(raw.to_owned()))
}

/// `REDIS_URL`.
pub fn redis_url(raw: &str) -> Result<Secret, String> {
    // The client would take a number below 0, and Redis no request then.
    let is_one = |client: &redis::Client| client.get_connection_info().redis_settings().db() >= 0;
    redis::Client::open(raw)
        .ok()
        .filter(is_one)
        .map(|_| Secret::new(raw.to_owned()))
        .ok_or_else(|| {
            "must be redis://[:password@]host:port[/db] or rediss://… (in the password / is written %2F, \
             ? %3F, # %23)"
                .to_owned()
        })
}

/// `PUBLIC_URL`, without a slash at its end.
pub fn public_url(raw: &str) -> Result<String, String> {
    let wrong = "must be http://host or https://host, perhaps with a port and a path";
    let url = web_address(raw).ok_or(wrong)?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// An origin as browsers write it: in lower case, and without a port that goes without saying.
pub fn origin(raw: &str) -> Result<String, String> {
    let url = web_address(raw).filter(|url| url.path() == "/" && !raw.contains('*'));
    let url = url.ok_or("must be origins such as https://app.example.com, and never *")?;
    Ok(url.origin().ascii_serialization())
}

/// An address that begins with http:// or https:// and has a host, perhaps a port and a path, and
/// nothing else.
fn web_address(raw: &str) -> Option<Url> {
    let url = Url::parse(raw).ok().filter(|url| ["http", "https"].contains(&url.scheme()))?;
    let more = url.query().is_some() || url.fragment().is_some();
    let bare = url.username().is_empty() && url.password().is_none() && url.port() != Some(0);
    (bare && !more).then_some(url)
}

/// `LISTEN_ADDR` and `METRICS_ADDR`.
pub fn socket_addr(raw: &str) -> Result<SocketAddr, String> {
    let wrong = "must be an IP address and a port, as 127.0.0.1:8000 or [::1]:8000";
    raw.parse().map_err(|_| wrong.to_owned())
}

/// A network, or an address as a network of its own. One of IPv4 as IPv6 writes it (`::ffff:10.0.0.1`) is one of
/// IPv4, as a client's address is.
pub fn network(raw: &str) -> Result<IpNet, String> {
    let alone = || raw.parse::<IpAddr>().map(IpNet::from);
    let network = raw.parse::<IpNet>().or_else(|_| alone());
    let network = network.map_err(|_| "must be networks such as 10.0.0.0/8, or addresses")?;
    let mapped = match network.addr() {
        IpAddr::V6(address) => address.to_ipv4_mapped().zip(network.prefix_len().checked_sub(96)),
        IpAddr::V4(_) => None,
    };
    let mapped = mapped.and_then(|(address, bits)| IpNet::new(address.into(), bits).ok());
    Ok(mapped.unwrap_or(network))
}

/// A rate limit; nothing when it is off.
pub fn rate(raw: &str) -> Result<Option<Rate>, String> {
    if raw == "off" {
        return Ok(None);
    }
    let parsed = raw.split_once('/').and_then(|(count, seconds)| {
        let rate = Rate { count: count.parse().ok()?, seconds: seconds.parse().ok()? };
        let sane = 1..=1_000_000_000;
        (sane.contains(&rate.count) && (1..=86_400 * 31).contains(&rate.seconds)).then_some(rate)
    });
    parsed.map(Some).ok_or_else(|| {
        "must be count/seconds, for example 60/60 (at most 31 days), or off".to_owned()
    })
}

/// `REGISTRATION`: true when people may register.
pub fn registration(raw: &str) -> Result<bool, String> {
    match raw {
        "open" => Ok(true),
        "closed" => Ok(false),
        _ => Err("must be open or closed".to_owned()),
    }
}

/// RFC 9116, 2.5.3: an address as a URI. A bare e-mail address becomes one.
pub fn security_contact(raw: &str) -> Result<String, String> {
    let wrong = "must be an e-mail address, or begin with mailto:, https:// or tel:";
    let known = ["mailto:", "https://", "tel:"].iter().find_map(|scheme| {
        let (begin, rest) = raw.split_at_checked(scheme.len())?;
        let is = begin.eq_ignore_ascii_case(scheme) && !rest.is_empty();
        is.then(|| format!("{scheme}{rest}"))
    });
    let bare = || text::email(raw).ok().map(|address| format!("mailto:{address}"));
    let plain = |it: &String| !it.contains(|c: char| c.is_control() || c.is_whitespace());
    known.or_else(bare).filter(plain).ok_or_else(|| wrong.to_owned())
}

/// `LOG_FORMAT`.
pub fn log_format(raw: &str) -> Result<LogFormat, String> {
    match raw {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json".to_owned()),
    }
}

/// `MAIL_DIR`: what is not there yet is made with the first mail.
pub fn mail_dir(raw: &str) -> Result<PathBuf, String> {
    match std::fs::metadata(raw) {
        Ok(found) if !found.is_dir() => Err("must be a directory".to_owned()),
        _ => Ok(raw.into()),
    }
}

/// The file of `TLS_CA_FILE`.
pub fn certificates(path: &str) -> Result<Vec<u8>, String> {
    let pem = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut roots = rustls::RootCertStore::empty();
    trust(&mut roots, &pem)?;
    if roots.is_empty() {
        return Err("must be a PEM file with at least one certificate".to_owned());
    }
    Ok(pem)
}

/// Adds the certificates of a PEM file.
pub fn trust(roots: &mut rustls::RootCertStore, pem: &[u8]) -> Result<(), String> {
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| "is not valid PEM".to_owned())?;
        roots.add(certificate).map_err(|_| "has a certificate that cannot be read".to_owned())?;
    }
    Ok(())
}
