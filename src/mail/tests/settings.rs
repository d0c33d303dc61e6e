//! The URL of a server, and the sender.

use super::*;

#[test]
fn senders() {
    let good = [
        ("contactd@localhost", "contactd@localhost"),
        ("Contacts <a@b.co>", "Contacts <a@b.co>"),
        ("\"Our, contacts\" <a@b.co>", "=?utf-8?b?T3VyLCBjb250YWN0cw==?= <a@b.co>"),
        ("Контакти <a@b.co>", "=?utf-8?b?0JrQvtC90YLQsNC60YLQuA==?= <a@b.co>"),
        ("<a@b.co>", "a@b.co"),
    ];
    for (raw, header) in good {
        let sink = Sink::start();
        let transport = Transport::Smtp(parse_smtp_url(&sink.url()).unwrap());
        let from = parse_mail_from(raw).unwrap();
        let mailer = Mailer::new(transport, from, "http://localhost:8000", None).unwrap();
        send(&mailer, &letter(Kind::Reset)).unwrap();
        let mail = sink.wait_for(1).remove(0);
        assert_eq!(mail.header("From").as_deref(), Some(header));
        assert_eq!(mail.hello, "localhost");
    }
    for bad in ["", "a", "A\r\nBcc: x@y.zz <a@b.co>", "A <a@b.co> B", "A <>", "a@b.co\n"] {
        assert_eq!(parse_mail_from(bad).is_err(), bad != "a@b.co\n", "{bad:?}");
    }
}

#[test]
fn smtp_urls() {
    let read = |url: &str| parse_smtp_url(url).unwrap();
    let plain = read("smtp://mail.example.com");
    assert_eq!((plain.host.as_str(), plain.port), ("mail.example.com", 587));
    assert_eq!((plain.security, plain.credentials), (Security::StartTls, None));
    let tls = read("smtps://ann%40example.com:p%40ss%3A%2F%25%20w%C3%B6rd@[::1]/");
    assert_eq!((tls.host.as_str(), tls.port, tls.security), ("::1", 465, Security::Tls));
    let words = ("ann@example.com".to_owned(), "p@ss:/% wörd".to_owned());
    assert_eq!(tls.credentials, Some(words));
    let off = read("smtp://127.0.0.1:2525?tls=off");
    assert_eq!((off.host.as_str(), off.port, off.security), ("127.0.0.1", 2525, Security::Off));
    // A password that was not encoded is read where there is no doubt.
    assert_eq!(read("smtp://a:p:w@1@host:25").credentials.unwrap().1, "p:w@1");
}

#[test]
fn wrong_smtp_urls_are_explained_without_the_password() {
    let wrong = [
        "",
        "mail.example.com",
        "http://a:hunter2@host",
        "smtp://",
        "smtp://a:hunter2@",
        "smtp://a:hunter2@host:port",
        "smtp://a:hunter2@host:0",
        "smtp://a:hunter2@host:99999",
        "smtp://a:hunter2@host:+25",
        "smtp://a:hunter2@host?tls=none",
        "smtps://a:hunter2@host?tls=off",
        "smtp://a:hunter2@host/path",
        "smtp://a:hun/ter2@host",
        "smtp://a:hun#ter2@host",
        "smtp://a:hun?ter2@host",
        "smtp://hunter2@host",
        "smtp://:hunter2@host",
        "smtp://a:@host",
        "smtp://a:hunter2%00@host",
        "smtp://a:hunter2%ff@host",
        "smtp://a:hunter2@ho st",
        "smtp://a:hunter2@[::1",
        "smtp://a:hunter2@[nonsense]:25",
        "smtp://a:hunter2@host\r\n",
        "smtp://a:hunter2@[::1]25",
    ];
    for url in wrong {
        let why = parse_smtp_url(url).expect_err(url);
        assert!(!why.contains("hun") && !why.contains("ter2") && !why.is_empty(), "{url}: {why}");
    }
    for (url, what) in [
        ("http://a:hunter2@host", "smtp:// or smtps://"),
        ("smtp://a:hunter2@host?tls=none", "?tls=off"),
        ("smtps://a:hunter2@host?tls=off", "?tls=off"),
        ("smtp://a:hun/ter2@host", "%2F"),
        ("smtp://hunter2@host", "both a user and a password"),
        ("smtp://a:hunter2@host:0", "port"),
        ("smtp://a:hunter2@ho st", "host"),
    ] {
        let why = parse_smtp_url(url).expect_err(url);
        assert!(why.contains(what), "{url}: {why}");
    }
    let settings = parse_smtp_url("smtp://user:hunter2@host").unwrap();
    let shown = format!("{settings:?} {:?}", Transport::Smtp(settings.clone()));
    assert!(shown.contains("user") && !shown.contains("hunter2"), "{shown}");
    let mailer = mailer_by("smtp://user:hunter2@host");
    assert!(!format!("{mailer:?} {:?}", letter(Kind::Reset)).contains("hunter2"));
    assert!(!format!("{:?}", letter(Kind::Reset)).contains("token"));
}
