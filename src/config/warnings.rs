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
            ["http://0.0.0.0", "http://[::]"].iter().any(|every| {
                let port = config.public_url.strip_prefix(every);
                port.is_some_and(|port| port.is_empty() || port.starts_with(':'))
            }),
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

#[cfg(test)]
mod tests {
    use crate::config::tests::read;

    #[test]
    fn what_works_and_is_seldom_meant_is_a_warning_that_names_the_variable() {
        let of = |more: &[(&str, &str)]| {
            let warnings = read(more).unwrap().warnings;
            warnings
                .iter()
                .map(|line| line.split(' ').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let nothing: [&str; 0] = [];
        assert_eq!(of(&[]), nothing);
        for guessable in [
            "a".repeat(40).as_str(),
            &"ab1".repeat(20),
            "12345678901234567890123456789012",
            "0123456789abcdef0123456789abcdef",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "password1-password2-password3-password4",
        ] {
            assert_eq!(of(&[("SECRET_KEY", guessable)]), ["SECRET_KEY"], "{guessable}");
        }
        for drawn in [
            // openssl rand: -hex 16, -hex 32, -base64 24, -base64 48; pwgen 32
            "c0ffee0f1a7bd3526e9984a5d01b3c7e",
            "5e2b8a6cf91d470388c4b1e6a2d95f07339ebc41d76f02a85be8917c4d60fa13",
            "q8TzV1nB+0kXo5mYwE7rLd3PjHsGa2uC",
            "N4pV9sX2kQz7mB1tH6wYc8LrE3jGfU5oAaDdKkIi0nRvZ+bS/hTyMqPxCgWeJu2F",
            "aiSh3eiqu8Uu0weeZaet6Phoh4ohGh7o",
        ] {
            assert_eq!(of(&[("SECRET_KEY", drawn)]), nothing, "{drawn}");
        }
        for (name, value) in [
            ("PUBLIC_URL", "http://contacts.example/book"),
            ("LISTEN_ADDR", "0.0.0.0:8000"),
            ("LISTEN_ADDR", "[::]:8000"),
            ("LISTEN_ADDR", "0.0.0.0:80"),
            ("PUBLIC_URL", "http://0.0.0.0:8000"),
        ] {
            assert_eq!(of(&[(name, value)]), ["PUBLIC_URL"], "{value}");
        }
        let named =
            [("LISTEN_ADDR", "0.0.0.0:8000"), ("PUBLIC_URL", "http://contacts.example:8000")];
        assert_eq!(of(&named), nothing);
        let https = ("PUBLIC_URL", "https://contacts.example");
        assert_eq!(of(&[https]), ["SMTP_URL", "TRUSTED_PROXIES"]);
        let mail = ("SMTP_URL", "smtps://u:p@h");
        let good = [https, mail, ("MAIL_FROM", "a@b.example"), ("TRUSTED_PROXIES", "10.0.0.1")];
        assert_eq!(of(&good), nothing);
        assert_eq!(of(&[https, mail, good[3]]), ["MAIL_FROM"]);
        // Compose's own, where none is set.
        let catcher = ("SMTP_URL", "smtp://mail:1025?tls=off");
        assert_eq!(of(&[https, catcher, good[2], good[3]]), ["SMTP_URL"]);
        assert_eq!(of(&[catcher]), nothing);
        for everybody in ["0.0.0.0/0", "10.0.0.1, ::/0"] {
            assert_eq!(of(&[("TRUSTED_PROXIES", everybody)]), ["TRUSTED_PROXIES"], "{everybody}");
        }
        assert_eq!(of(&[("SMTP_URL", "smtp://u:p@mail.example?tls=off")]), ["SMTP_URL"]);
        assert_eq!(of(&[("SMTP_URL", "smtp://u:p@localhost?tls=off")]), nothing);
        let plain = "postgres://u:pw@db.example/db?sslmode=disable";
        assert_eq!(of(&[("DATABASE_URL", plain)]), ["DATABASE_URL"]);
    }
}
