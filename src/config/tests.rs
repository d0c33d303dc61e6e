use super::sources::parse_dotenv;
use super::values::EXAMPLE_SECRETS;
use super::*;
use postgres::config::SslMode;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

const GOOD: [(&str, &str); 2] = [
    ("DATABASE_URL", "postgres://u:pw-secret@127.0.0.1/db"),
    ("SECRET_KEY", "7d41c8e05b9f3a268e14d7b0c95f2a63"),
];

pub(super) fn read(more: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let map: HashMap<_, _> = GOOD.iter().chain(more).copied().collect();
    Config::read(|name| map.get(name).map(|&value| value.to_owned()))
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let config = read(&[]).unwrap();
    assert_eq!(config.public_url, "http://127.0.0.1:8000");
    assert_eq!(config.mail_from.to_string(), "contactd@localhost");
    assert_eq!(config.mail_dir, PathBuf::from("mail"));
    assert_eq!(config.rates.login_failures, Some(Rate { count: 5, seconds: 900 }));
    assert_eq!(config.access_token, Duration::minutes(15));
    assert!(config.redis_url.is_none() && config.metrics_addr.is_none());
}

#[test]
fn every_fault_is_reported_at_once_by_name_and_without_its_value() {
    let wrong = [
        ("DATABASE_URL", "mysql://u:hidden@h/d"),
        ("REDIS_URL", "http://:hidden@h"),
        ("SECRET_KEY", "hidden"),
        ("LISTEN_ADDR", "hidden"),
        ("PUBLIC_URL", "ftp://hidden"),
        ("SMTP_URL", "http://u:hidden@h"),
        ("MAIL_FROM", "hidden"),
        ("CORS_ORIGINS", "*"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, hidden"),
        ("ACCESS_TOKEN_MINUTES", "0"),
        ("REFRESH_TOKEN_DAYS", "-1"),
        ("DB_POOL_SIZE", "many"),
        ("MAX_CONNECTIONS", "0"),
        ("RATE_LIMIT_ME", "60"),
        ("RATE_LIMIT_EXEMPT", "hidden"),
        ("LOG_FORMAT", "xml"),
        ("METRICS_ADDR", ":9"),
        ("TLS_CA_FILE", "/nowhere/ca.pem"),
        ("MAIL_DIR", "/dev/null"),
    ];
    let faults = read(&wrong).unwrap_err();
    for (name, _) in wrong {
        let found = faults.iter().filter(|line| line.starts_with(&format!("{name} "))).count();
        assert_eq!(found, 1, "{name}: {faults:?}");
    }
    assert_eq!(faults.len(), wrong.len());
    assert!(!faults.iter().any(|line| line.contains("hidden")), "{faults:?}");
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let path = std::env::temp_dir().join(format!("contactd-secret-{}", std::process::id()));
    let name = path.to_str().unwrap();
    std::fs::write(&path, "a secret from a file, 32 bytes or more\r\n").unwrap();
    let with = |name: &str, value: &str| {
        Config::read(|asked| match asked {
            "DATABASE_URL" => Some("postgres://u:pw@127.0.0.1/db".to_owned()),
            other => (other == name).then(|| value.to_owned()),
        })
    };
    let config = with("SECRET_KEY_FILE", name).unwrap();
    assert_eq!(config.secret_key.reveal(), "a secret from a file, 32 bytes or more");
    let unreadable = with("SECRET_KEY_FILE", "/nowhere").unwrap_err();
    assert_eq!(unreadable.len(), 1, "{unreadable:?}");
    assert_eq!(unreadable[0].split(':').next(), Some("SECRET_KEY_FILE cannot be read"));
    let both = read(&[("SECRET_KEY_FILE", name)]).unwrap_err();
    assert_eq!(both, ["SECRET_KEY and SECRET_KEY_FILE are both set"]);
    let other = read(&[("SECRET_KEY_OLD_FILE", name)]).unwrap().secret_key_old.unwrap();
    assert_eq!(other.reveal(), "a secret from a file, 32 bytes or more");
    // Notepad begins a file with a byte order mark.
    std::fs::write(&path, "\u{feff}redis://127.0.0.1\r\n").unwrap();
    let redis = read(&[("REDIS_URL_FILE", name)]).unwrap().redis_url.unwrap();
    assert_eq!(redis.reveal(), "redis://127.0.0.1");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn settings_of_accounts() {
    let config = read(&[]).unwrap();
    assert!(config.registration_open && config.secret_key_old.is_none());
    assert_eq!((config.max_contacts, config.max_storage), (100_000, 1 << 30));
    assert_eq!((config.session, config.audit), (Duration::days(180), Some(Duration::days(365))));
    assert_eq!(config.rates.password, Some(Rate { count: 10, seconds: 60 }));
    assert_eq!(config.rates.dav, Some(Rate { count: 6_000, seconds: 3_600 }));
    let config = read(&[
        ("REGISTRATION", "closed"),
        ("AUDIT_DAYS", "off"),
        ("MAX_STORAGE_MB", "2"),
        ("SECURITY_CONTACT", "security@example.com"),
        ("SECRET_KEY_OLD", "an older secret, of 32 bytes or more"),
    ]);
    let config = config.unwrap();
    assert!(!config.registration_open && config.audit.is_none());
    assert_eq!(config.max_storage, 2 << 20);
    assert_eq!(config.security_contact.as_deref(), Some("mailto:security@example.com"));
    assert!(config.secret_key_old.is_some());
    let contact = read(&[("SECURITY_CONTACT", "Mailto:security@example.com")]).unwrap();
    assert_eq!(contact.security_contact.as_deref(), Some("mailto:security@example.com"));
    let fault = read(&[("AUDIT_DAYS", "0")]).unwrap_err();
    assert_eq!(fault, ["AUDIT_DAYS must be a number from 1 to 36500, or off"]);
    for wrong in [
        ("REGISTRATION", "no"),
        ("AUDIT_DAYS", "0"),
        ("SESSION_DAYS", "0"),
        ("MAX_CONTACTS", "-1"),
        ("SECURITY_CONTACT", "me"),
        ("SECURITY_CONTACT", "the admin@example.com"),
        ("SECURITY_CONTACT", "http://social.example/@admin"),
        ("SECURITY_CONTACT", "mailto:"),
        ("SECURITY_CONTACT", "@"),
        ("MAIL_FROM", "Contacts <contactd@[192.168.1.5]>"),
        ("MAIL_FROM", "contactd@b!c.example"),
        ("MAIL_FROM", "\"a b\"@c.example"),
        ("SECRET_KEY_OLD", "short"),
        ("REDIS_URL", "redis://h/-1"),
    ] {
        assert_eq!(read(&[wrong]).unwrap_err().len(), 1, "{wrong:?}");
    }
}

#[test]
fn without_public_url_links_begin_with_where_the_server_listens_as_browsers_write_it() {
    for (listen, url) in [
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("[fe80::1%1]:8000", "http://[fe80::1]:8000"),
        ("127.0.0.1:0", "http://127.0.0.1:0"),
    ] {
        assert_eq!(read(&[("LISTEN_ADDR", listen)]).unwrap().public_url, url);
    }
}

#[test]
fn networks_of_ipv4_are_the_same_however_they_are_written() {
    for (raw, is) in [
        ("::ffff:127.0.0.1", "127.0.0.1/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:0.0.0.0/90", "::ffff:0.0.0.0/90"),
        ("2001:db8::/32", "2001:db8::/32"),
    ] {
        let config = read(&[("TRUSTED_PROXIES", raw)]).unwrap();
        assert_eq!(config.trusted_proxies, [is.parse().unwrap()], "{raw}");
    }
}

#[test]
fn a_database_has_a_host_and_a_name() {
    for wrong in ["postgres://127.0.0.1", "dbname=contacts", "http://a/b"] {
        assert_eq!(read(&[("DATABASE_URL", wrong)]).unwrap_err().len(), 1, "{wrong}");
    }
}

/// What providers and other programs write there, and what a password does to a URL.
#[test]
fn what_no_connection_comes_of_is_refused_with_what_to_write() {
    for (name, url, told) in [
        ("DATABASE_URL", "postgres://u:hidden@hidden@db.example/db", "%40"),
        ("DATABASE_URL", "postgres://u:pw@db.example/db?sslmode=verify-full", "sslmode=require"),
        ("DATABASE_URL", "postgres://u:pw@db.example/db?sslrootcert=/a.pem", "TLS_CA_FILE"),
        (
            "DATABASE_URL",
            "postgres://u:pw@db.example/db?sslmode=require&channel_binding=require",
            "channel_binding",
        ),
        ("REDIS_URL", "redis://:hidden#hidden@h:6379/0", "%23"),
        ("REDIS_URL", "redis://:hidden/hidden@h:6379/0", "%2F"),
    ] {
        let faults = read(&[(name, url)]).expect_err(url);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with(name) && faults[0].contains(told), "{faults:?}");
        assert!(!faults[0].contains("hidden"), "{faults:?}");
    }
    // Written as it is told, it is the password; and the driver minds no other character.
    for (written, password) in [("p%40s%25", "p@s%"), ("a/b?c#d", "a/b?c#d"), ("a:b", "a:b")] {
        let url = format!("postgres://u:{written}@127.0.0.1/db?channel_binding=prefer");
        let config = read(&[("DATABASE_URL", &url)]).unwrap().postgres;
        assert_eq!(config.get_password(), Some(password.as_bytes()), "{url}");
    }
}

#[test]
fn authorities_are_a_file_of_certificates() {
    let path = std::env::temp_dir().join(format!("contactd-{}.pem", std::process::id()));
    let with = |text: &str| {
        std::fs::write(&path, text).unwrap();
        read(&[("TLS_CA_FILE", path.to_str().unwrap())]).map(|config| config.tls_ca)
    };
    let own = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).unwrap();
    let pem = own.cert.pem();
    assert_eq!(with(&pem).unwrap(), Some(pem.clone().into()));
    let broken = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n";
    let half = pem.get(..pem.len() / 2).unwrap();
    for wrong in [broken, &(pem.clone() + broken), half, "-----BEGIN PRIVATE KEY-----\n", ""] {
        let faults = with(wrong).unwrap_err();
        assert_eq!(faults.len(), 1, "{wrong}");
        assert!(faults[0].starts_with("TLS_CA_FILE "), "{faults:?}");
    }
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn addresses_that_would_break_links_or_match_no_browser_are_refused_or_mended() {
    for wrong in
        ["http://:", "http://a:99999", "http://a:0", "http://a?b", "a.example:80", "http://"]
    {
        assert!(read(&[("PUBLIC_URL", wrong)]).is_err(), "{wrong}");
    }
    let config = read(&[
        ("PUBLIC_URL", "https://a.example/contacts/"),
        ("CORS_ORIGINS", "HTTPS://App.Example:443, http://[::1]:3000/"),
    ]);
    let config = config.unwrap();
    assert_eq!(config.public_url, "https://a.example/contacts");
    assert_eq!(config.cors_origins, ["https://app.example", "http://[::1]:3000"]);
    for wrong in ["https://*.example", "https://a.example/path", "null", "https://u@a.example"] {
        assert!(read(&[("CORS_ORIGINS", wrong)]).is_err(), "{wrong}");
    }
}

#[test]
fn only_on_this_machine_postgres_is_reached_without_tls_unless_told_so() {
    for (url, mode) in [
        ("localhost/db", SslMode::Disable),
        ("127.0.0.1,[::1]/db", SslMode::Disable),
        ("127.0.0.1/db?sslmode=require", SslMode::Require),
        ("db.example/db", SslMode::Prefer),
        ("127.0.0.1,db.example/db", SslMode::Prefer),
        ("db.example/db?sslmode=disable", SslMode::Disable),
        ("db.example/db?sslmode=require", SslMode::Require),
    ] {
        let config = read(&[("DATABASE_URL", &format!("postgres://u:pw@{url}"))]).unwrap();
        assert_eq!(config.postgres.get_ssl_mode(), mode, "{url}");
    }
}

#[test]
fn a_rate_has_a_count_and_a_window_of_at_most_31_days() {
    for (raw, seconds) in [("1/1", 1), ("1000000000/60", 60), ("5/2678400", 2_678_400)] {
        let rate = read(&[("RATE_LIMIT_ME", raw)]).unwrap().rates.me;
        assert_eq!(rate.map(|rate| rate.seconds), Some(seconds), "{raw}");
    }
    for wrong in ["0/60", "60/0", "1000000001/60", "5/2678401", "-1/60", "60/60/60", "on"] {
        assert!(read(&[("RATE_LIMIT_ME", wrong)]).is_err(), "{wrong}");
    }
}

#[test]
fn every_wrong_line_of_the_file_is_told_by_its_number() {
    let text =
        "\u{feff}A=1\n# as C='hidden value'\nwith hidden spaces\nB='$2'\n\nC=hidden value\nD=4 ";
    let (values, faults) = parse_dotenv(text);
    assert_eq!(
        values,
        HashMap::from(
            [("A", "1"), ("B", "$2"), ("D", "4")].map(|(a, b)| (a.to_owned(), b.to_owned()))
        )
    );
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0].starts_with(".env: line 3 ") && faults[1].starts_with(".env: line 6 "),
        "{faults:?}"
    );
    assert!(!faults.iter().any(|fault| fault.contains("hidden")), "{faults:?}");
}

#[test]
fn the_example_secret_is_refused_and_no_secret_is_printed() {
    assert!(read(&[("SECRET_KEY", EXAMPLE_SECRETS[0])]).is_err());
    let config = read(&[("SMTP_URL", "smtp://u:pw-secret@h")]).unwrap();
    let printed = format!("{config:?}");
    assert!(!printed.contains("pw-secret") && !printed.contains(GOOD[1].1));
}

#[test]
fn lists_are_comma_separated_and_empty_values_are_unset() {
    let config = read(&[
        ("CORS_ORIGINS", "https://a.example, http://b.example:3000"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,::1"),
        ("REDIS_URL", " "),
        ("RATE_LIMIT_ME", "off"),
    ]);
    let config = config.unwrap();
    assert_eq!(config.cors_origins, ["https://a.example", "http://b.example:3000"]);
    assert_eq!(config.trusted_proxies.len(), 2);
    assert!(config.redis_url.is_none() && config.rates.me.is_none());
}

/// A shell that reads a file that was edited on Windows leaves the end of each line in the value.
#[test]
fn blanks_and_line_ends_around_a_value_are_none_of_it() {
    let config = read(&[
        ("DATABASE_URL", " postgres://u:pw@127.0.0.1/db \r\n"),
        ("SECRET_KEY", "7d41c8e05b9f3a268e14d7b0c95f2a63\r"),
        ("LISTEN_ADDR", "127.0.0.1:8001\r"),
        ("REGISTRATION", "closed\r"),
        ("RATE_LIMIT_ME", " 5/60"),
        ("AUDIT_DAYS", "off\r"),
        ("MAIL_DIR", "letters\r"),
    ]);
    let config = config.unwrap();
    assert_eq!(config.postgres.get_dbname(), Some("db"));
    assert_eq!(config.secret_key.reveal(), GOOD[1].1);
    assert_eq!(config.public_url, "http://127.0.0.1:8001");
    assert!(!config.registration_open && config.audit.is_none());
    assert_eq!(config.rates.me, Some(Rate { count: 5, seconds: 60 }));
    assert_eq!(config.mail_dir, PathBuf::from("letters"));
}

/// `.env.example` lists every variable that this file reads, with a comment before it, and no
/// other but those of docker-compose.yml.
#[test]
fn the_example_file_lists_every_variable() {
    let asked = RefCell::new(BTreeSet::new());
    let _ = Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        GOOD.iter().find(|(good, _)| *good == name).map(|(_, value)| (*value).to_owned())
    });
    let example = include_str!("../../.env.example");
    let mut listed = BTreeSet::new();
    let mut before = "";
    for line in example.lines() {
        let name = line.trim_start_matches('#').split_once('=').map(|(name, _)| name);
        let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        if let Some(name) = name.filter(is_name) {
            assert!(before.starts_with('#'), "{name} has no comment before it");
            listed.insert(name.to_owned());
        }
        before = line;
    }
    let compose = include_str!("../../docker-compose.yml");
    let only_compose = |name: &String| compose.contains(&format!("${{{name}"));
    let listed: BTreeSet<_> = listed
        .into_iter()
        .filter(|name| asked.borrow().contains(name) || !only_compose(name))
        .collect();
    assert_eq!(listed, *asked.borrow());
}

/// Compose sets or passes on every variable but those of addresses and files inside the container.
#[test]
fn compose_hands_every_variable_over_but_its_own() {
    let asked = RefCell::new(BTreeSet::new());
    let _ = Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        GOOD.iter().find(|(good, _)| *good == name).map(|(_, value)| (*value).to_owned())
    });
    let compose = include_str!("../../docker-compose.yml");
    let is_own =
        |name: &str| ["LISTEN_ADDR", "MAIL_DIR"].contains(&name) || name.ends_with("_FILE");
    for name in asked.into_inner() {
        let is_there = compose.lines().any(|line| line.starts_with(&format!("      {name}:")));
        assert_ne!(is_there, is_own(&name), "{name}");
    }
}
