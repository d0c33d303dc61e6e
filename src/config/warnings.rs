//! Settings that work and are seldom meant: reported at the start and by `contactd check`.

use super::settings::Config;
use super::values::{is_here, is_local};
use crate::mail::{Security, SmtpSettings};
use postgres::config::SslMode;
use std::collections::HashSet;

/// A key of fewer bits than this can be guessed.
const KEY_BITS: f64 = 100.0;

/// Everything that the operator should look at, one line each.
pub fn all(config: &Config) -> Vec<String> {
    let https = config.is_https();
    let plain = |smtp: &&SmtpSettings| smtp.security == Security::Off && !is_here(&smtp.host);
    let plain_mail = config.smtp.as_ref().filter(plain);
    let with_password = plain_mail.is_some_and(|smtp| smtp.credentials.is_some());
    let found = [
        (
            guessable(config.secret_key.reveal()),
            "SECRET_KEY can be guessed; make one with: openssl rand -base64 48",
        ),
        (
            https && config.smtp.is_none(),
            "SMTP_URL is not set: mails are written to files, and their links are logged",
        ),
        (
            https && config.trusted_proxies.is_empty(),
            "TRUSTED_PROXIES is not set: all clients behind the proxy with TLS share its rate limits",
        ),
        (
            config.trusted_proxies.iter().any(|network| network.prefix_len() == 0),
            "TRUSTED_PROXIES has every address: clients say by X-Forwarded-For where they are, and no limit holds",
        ),
        (
            https && config.smtp.is_some() && config.mail_from.email.domain() == "localhost",
            "MAIL_FROM is an address of localhost: other mail servers refuse it",
        ),
        (with_password, "SMTP_URL sends its password without TLS"),
        (
            https && plain_mail.is_some() && !with_password,
            "SMTP_URL hands mails over without TLS (Compose's own, to a catcher that shows them to everybody here)",
        ),
        (
            config.public_url.splitn(4, '/').nth(3).is_some(),
            "PUBLIC_URL has a path: pages and CardDAV answer at the root of a host only",
        ),
        (
            config.public_url.starts_with("http://0.0.0.0:")
                || config.public_url.starts_with("http://[::]:"),
            "PUBLIC_URL is every address (as LISTEN_ADDR, where it is not set): no form of the pages works, and \
             links in mails lead nowhere",
        ),
        (
            !is_local(&config.postgres) && config.postgres.get_ssl_mode() == SslMode::Disable,
            "DATABASE_URL leads to another machine without TLS: sslmode=require asks for it",
        ),
    ];
    found.into_iter().filter(|(is, _)| *is).map(|(_, text)| text.to_owned()).collect()
}

/// Fewer bits than [`KEY_BITS`], by what the key consists of or by the steps between its neighbours. What
/// a machine drew at random has many more; one letter, a repeated word and a row of the alphabet have not.
fn guessable(key: &str) -> bool {
    let bytes = key.as_bytes();
    let next = bytes.iter().skip(1);
    let steps: Vec<u8> = next.zip(bytes).map(|(next, byte)| next.wrapping_sub(*byte)).collect();
    bits(bytes).min(bits(&steps)) < KEY_BITS
}

/// How often each byte comes, as bits a byte, times the bytes that do not repeat what came before: of
/// text that comes again, three in a row that were there already add nothing.
fn bits(bytes: &[u8]) -> f64 {
    let length = bytes.len() as f64;
    let entropy = |byte: u8| {
        let share = bytes.iter().filter(|it| **it == byte).count() as f64 / length;
        if share > 0.0 { -share * share.log2() } else { 0.0 }
    };
    let new = bytes.windows(3).collect::<HashSet<_>>().len() + 2;
    (0..=u8::MAX).map(entropy).sum::<f64>() * new as f64
}
