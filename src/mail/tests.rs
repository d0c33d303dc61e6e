//! Against a real socket: the server is `support::smtp`.

use super::letter::Text;
use super::*;
use crate::markup::words;
use std::collections::HashSet;
use std::time::Instant;
use support::smtp::{self, Behaviour, Mail, Offer, Sink};

const TOKEN: &str = "tokentokentokentokentokentokentokentokentok";

fn now() -> DateTime<Utc> {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn letter(kind: Kind) -> Letter {
    Letter {
        kind,
        to: "ann@example.com".to_owned(),
        username: Some("ann".to_owned()),
        language: None,
        token: kind.lifetime().map(|_| TOKEN.to_owned()),
        message_id: "outbox-7.ab12@contacts.example".to_owned(),
    }
}

fn mailer_by(url: &str) -> Mailer {
    let transport = Transport::Smtp(parse_smtp_url(url).unwrap());
    let from = parse_mail_from("Contacts <contacts@example.com>").unwrap();
    Mailer::new(transport, from, "https://contacts.example/", Some(smtp::ca_pem().as_bytes()))
        .unwrap()
}

fn mailer(sink: &Sink) -> Mailer {
    mailer_by(&sink.url())
}

fn send_one(letter: &Letter) -> Mail {
    let sink = Sink::start();
    mailer(&sink).send(letter, now()).unwrap();
    sink.wait_for(1).remove(0)
}

/// A directory that goes when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("contactd-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_mail_as_it_goes_out() {
    let mail = send_one(&letter(Kind::Confirm));
    assert_eq!((mail.from.as_str(), mail.to.len()), ("contacts@example.com", 1));
    assert_eq!((mail.to[0].as_str(), mail.hello.as_str()), ("ann@example.com", "contacts.example"));
    let (head, _) = mail.data.split_once("\r\n\r\n").unwrap();
    let boundary = head.split('"').nth(1).unwrap();
    let expected = "Message-ID: <outbox-7.ab12@contacts.example>\r\n\
        Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n\
        From: Contacts <contacts@example.com>\r\n\
        To: ann@example.com\r\n\
        Subject: Confirm your e-mail address\r\n\
        Auto-Submitted: auto-generated\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: multipart/alternative;\r\n boundary=\"BOUNDARY\"";
    assert_eq!(head.replace(boundary, "BOUNDARY"), expected);
    let link = format!("https://contacts.example/api/auth/confirmed_email/{TOKEN}");
    let expected = format!(
        "Hello ann,\r\n\r\n\
         an account was registered with this address at https://contacts.example.\r\n\
         Open this link and press the button there to confirm that the address is\r\n\
         yours:\r\n\r\n{link}\r\n\r\n\
         The link works once, for 24 hours. If it was not you, there is nothing\r\n\
         to do: nobody can sign in to an account that was not confirmed.\r\n\r\n\
         This mail was written by a program; nobody reads answers to it.\r\n"
    );
    assert_eq!(mail.text().trim_end(), expected.trim_end());
    assert_eq!(mail.link(), Some(link.clone()));
    assert!(mail.html().contains(&format!("<a href=\"{link}\"")));
    // Readable and clickable as it stands, in the file and on the wire.
    assert!(mail.data.contains(&format!("\r\n{link}\r\n")) && mail.data.is_ascii());
    assert!(mail.data.lines().all(|line| line.len() <= 998));
}

#[test]
fn each_kind_says_its_own_in_each_language_and_has_its_own_link() {
    let mut said = HashSet::new();
    for (language, _) in words::LANGUAGES {
        let (hello, anyone, end) = match *language {
            "uk" => ("Вітаємо, ann!", "Вітаємо!", "Цей лист написала програма"),
            _ => ("Hello ann,", "Hello,", "This mail was written by a program"),
        };
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Ok(kind));
            let written = Letter { language: Some((*language).to_owned()), ..letter(kind) };
            let mail = send_one(&written);
            let (text, html) = (mail.text(), mail.html());
            let (flowing, subject) = (text.replace("\r\n", " "), mail.subject());
            assert_eq!(subject, written.subject());
            assert!(html.contains(&format!("<html lang=\"{language}\">")));
            assert!(html.contains(&format!("<title>{subject}</title>")));
            assert!(text.starts_with(&format!("{hello}\r\n\r\n")), "{text}");
            assert!(html.contains(&format!("<p>{hello}</p>")), "{html}");
            assert!(flowing.contains(end) && html.contains(end), "{text}");
            assert!(text.contains("https://contacts.example") && !text.contains('{'), "{text}");
            let cyrillic = |text: &str| text.chars().any(|c| ('а'..='я').contains(&c));
            assert_eq!(cyrillic(&subject) && cyrillic(&html), *language == "uk");
            let link = match kind {
                Kind::Confirm | Kind::ChangeEmail => Some("confirmed_email"),
                Kind::Reset => Some("reset-password"),
                _ => None,
            };
            let link = link.map(|path| format!("https://contacts.example/api/auth/{path}/{TOKEN}"));
            assert_eq!(mail.link(), link, "{kind:?}");
            assert_eq!(html.contains(TOKEN), link.is_some());
            // A lead, what to do, and a button where there is a link: none is empty, none is another's.
            let Text { lead, rest, button, .. } = kind.words(words::of(language).unwrap());
            assert_eq!(button.is_empty(), link.is_none(), "{kind:?}");
            assert!(!lead.is_empty() && !rest.is_empty() && html.contains(button), "{kind:?}");
            assert!(said.insert(subject) && said.insert(lead.to_owned()), "{kind:?}");
            let stranger = send_one(&Letter { username: None, ..written });
            assert!(stranger.text().starts_with(&format!("{anyone}\r\n")));
            assert!(stranger.html().contains(&format!("<p>{anyone}</p>")));
        }
    }
    assert!(Kind::parse("Confirm").is_err());
    // A language that went meanwhile.
    let other = send_one(&Letter { language: Some("xx".to_owned()), ..letter(Kind::Reset) });
    assert_eq!(other.subject(), "Choose a new password");
}

#[test]
fn what_a_user_typed_breaks_neither_headers_nor_html() {
    let mut odd = letter(Kind::Confirm);
    odd.username = Some("<b>&\"ann\r\nBcc: eve@example.com\r\n\r\n".to_owned());
    let mail = send_one(&odd);
    assert_eq!(mail.to, ["ann@example.com"]);
    let (head, _) = mail.data.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains("eve") && !head.contains("<b>"));
    assert!(mail.html().contains("Hello &lt;b&gt;&amp;&quot;annBcc: eve@example.com,"));
    assert!(mail.text().starts_with("Hello <b>&\"annBcc: eve@example.com,\r\n"));
}

#[test]
fn odd_addresses_ids_and_tokens_are_refused_and_nothing_is_sent() {
    let sink = Sink::start();
    let mailer = mailer(&sink);
    for to in
        ["a@b.co\r\nBcc: x@y.zz", "a@b.co>\r\nRCPT TO:<x@y.zz", "a b@c.de", "", "Ann <a@b.co>"]
    {
        let odd = Letter { to: to.to_owned(), ..letter(Kind::Reset) };
        assert!(matches!(mailer.send(&odd, now()), Err(Error::Internal(_))), "{to:?}");
    }
    for id in ["", "a", "a@", "@a", "a@b\r\nBcc: x", "../a@b", "a/b@c", "a@b@c", ".a@b"] {
        let odd = Letter { message_id: id.to_owned(), ..letter(Kind::Reset) };
        assert!(matches!(mailer.send(&odd, now()), Err(Error::Internal(_))), "{id:?}");
    }
    for token in [None, Some(""), Some("a b"), Some("a\"><script>"), Some("a\r\nb")] {
        let odd = Letter { token: token.map(str::to_owned), ..letter(Kind::Reset) };
        assert!(matches!(mailer.send(&odd, now()), Err(Error::Internal(_))), "{token:?}");
    }
    assert_eq!(sink.connections(), 0);
}

#[test]
fn letters_beyond_ascii() {
    // The domain goes out as xn--…, which every server takes.
    let cyrillic = Letter { to: "ann@приклад.укр".to_owned(), ..letter(Kind::Confirm) };
    let mail = send_one(&cyrillic);
    assert_eq!(mail.to, ["ann@xn--80aikifvh.xn--j1amh"]);
    // Before the @ it cannot be helped: the server would have to know SMTPUTF8.
    let sink = Sink::start();
    let box_name = Letter { to: "аня@example.com".to_owned(), ..letter(Kind::Confirm) };
    let refused = mailer(&sink).send(&box_name, now()).unwrap_err();
    assert!(matches!(&refused, Error::Internal(why) if why.contains("SMTPUTF8")), "{refused}");
    // A body beyond ASCII is encoded so that every server takes it.
    for name in ["Zoë", "Олександра"] {
        let mail = send_one(&Letter { username: Some(name.to_owned()), ..letter(Kind::Confirm) });
        assert!(mail.data.is_ascii());
        assert!(mail.text().starts_with(&format!("Hello {name},\r\n")));
        assert!(mail.html().contains(&format!("Hello {name},")));
        assert!(mail.link().unwrap().ends_with(TOKEN));
        assert!(mail.data.lines().all(|line| line.len() <= 78));
    }
}

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
        mailer.send(&letter(Kind::Reset), now()).unwrap();
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

#[test]
fn starttls_is_used_and_the_password_goes_over_it() {
    let sink = Sink::offering(Offer::StartTls);
    let url = sink.url().replace("smtp://", "smtp://ann:hunter2@");
    mailer_by(&url).send(&letter(Kind::Reset), now()).unwrap();
    let mail = sink.wait_for(1).remove(0);
    assert!(mail.tls);
    assert_eq!(mail.auth, Some(("ann".to_owned(), "hunter2".to_owned())));
    assert!(mailer_by(&url).check().is_ok());
    assert_eq!(sink.farewells(), 2, "RFC 5321, 4.1.1.10: a client takes leave");
}

#[test]
fn tls_from_the_start() {
    let sink = Sink::offering(Offer::Tls);
    mailer(&sink).send(&letter(Kind::Reset), now()).unwrap();
    assert!(sink.wait_for(1).remove(0).tls);
}

#[test]
fn a_server_without_starttls_gets_neither_mail_nor_password() {
    let sink = Sink::start();
    let url = format!("smtp://ann:hunter2@{}", sink.address());
    let refused = mailer_by(&url).send(&letter(Kind::Reset), now()).unwrap_err();
    assert!(matches!(&refused, Error::Internal(why) if why.contains("STARTTLS")), "{refused}");
    assert!(sink.mails().is_empty());
    assert!(mailer_by(&url).check().is_err());
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    for offer in [Offer::Tls, Offer::StartTls] {
        let sink = Sink::offering(offer);
        let transport = Transport::Smtp(parse_smtp_url(&sink.url()).unwrap());
        let from = parse_mail_from("a@b.co").unwrap();
        let mailer = Mailer::new(transport, from, "http://localhost", None).unwrap();
        let refused = mailer.send(&letter(Kind::Reset), now()).unwrap_err();
        assert!(refused.to_string().contains("certificate"), "{refused}");
        assert!(sink.mails().is_empty());
    }
}

#[test]
fn refusals_tell_whether_time_may_help() {
    let sink = Sink::start();
    let mailer = mailer(&sink);
    let outcome = |behaviour: Behaviour| {
        sink.behave(behaviour);
        mailer.send(&letter(Kind::Reset), now())
    };
    for temporary in [
        Behaviour::RefuseRecipient(451),
        Behaviour::RefuseMail(421),
        Behaviour::DropAtData,
        Behaviour::HangUp,
    ] {
        let result = outcome(temporary.clone());
        assert!(matches!(result, Err(Error::Unavailable(_))), "{temporary:?} {result:?}");
    }
    for lasting in [Behaviour::RefuseRecipient(550), Behaviour::RefuseMail(554)] {
        let result = outcome(lasting.clone());
        assert!(matches!(result, Err(Error::Internal(_))), "{lasting:?} {result:?}");
    }
    assert!(sink.mails().is_empty());
    // Cut off before the answer: it must be sent again, under the same id.
    assert!(matches!(outcome(Behaviour::DropAfterData), Err(Error::Unavailable(_))));
    assert!(outcome(Behaviour::Accept).is_ok());
    let ids: Vec<_> = sink.wait_for(2).iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn nobody_listening_is_told_at_once() {
    let sink = Sink::start();
    let mailer = mailer(&sink);
    drop(sink);
    let start = Instant::now();
    assert!(matches!(mailer.send(&letter(Kind::Reset), now()), Err(Error::Unavailable(_))));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn errors_hold_no_secret_even_if_the_server_repeats_it() {
    let sink = Sink::start();
    let packed =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "\0ann\0hunter2");
    let mailer = mailer_by(&sink.url().replace("smtp://", "smtp://ann:hunter2@"));
    for (behaviour, told) in [
        (Behaviour::RefuseAuthEchoing(535), "refuses the password: 535"),
        (Behaviour::RefuseAuthEchoing(454), "cannot sign us in now: 454"),
        (Behaviour::RefuseMailQuoting, "554"),
    ] {
        sink.behave(behaviour);
        let why = mailer.send(&letter(Kind::Reset), now()).unwrap_err().to_string();
        assert!(why.contains(told), "{why}");
        for secret in [TOKEN, &TOKEN[..10], "hunter2", &packed] {
            assert!(!why.contains(secret), "{why}");
        }
    }
}

#[test]
fn of_a_server_s_words_neither_links_nor_secrets_are_kept() {
    for (told, kept) in [
        ("bad link https://x.example/y in\r\n it", "bad link *** in it"),
        ("bad x.example/api/auth/z in it", "bad *** in it"),
        ("bad <tokentok=\r\n entoken> in it", "bad *** entoken> in it"),
        ("no box for ann:hunter2", "no box for ***"),
        ("no such box", "no such box"),
    ] {
        assert_eq!(redact(told, Some(TOKEN), Some("hunter2")), kept);
    }
    assert_eq!(redact(&"x".repeat(400), None, None).len(), 300);
}

#[test]
fn it_greets_by_the_host_of_its_own_address() {
    for (url, name) in [
        ("https://my-contacts.example/path", "my-contacts.example".to_owned()),
        ("http://192.0.2.1:8000", "[192.0.2.1]".to_owned()),
        ("http://[2001:db8::1]:8000", "[IPv6:2001:db8::1]".to_owned()),
        // No name for mail servers, some of which would hang up.
        ("http://my_contacts", ClientId::default().to_string()),
    ] {
        assert_eq!(hello(url).to_string(), name, "{url}");
    }
}

/// The same with less patience, so that the tests need less.
fn hasty(sink: &Sink) -> Mailer {
    let mut mailer = mailer(sink);
    let Way::Smtp(relay) = &mut mailer.way else { unreachable!() };
    let milliseconds = Duration::from_millis;
    relay.patience =
        Patience { connect: milliseconds(300), command: milliseconds(900), quit: milliseconds(60) };
    mailer
}

#[test]
fn a_slow_greeting_is_waited_for_and_silence_is_not() {
    assert_eq!(PATIENCE.connect.as_secs() + PATIENCE.command.as_secs(), 20);
    let sink = Sink::start();
    sink.behave(Behaviour::SlowGreeting(Duration::from_millis(500)));
    hasty(&sink).send(&letter(Kind::Reset), now()).unwrap();
    assert_eq!((sink.mails().len(), sink.connections()), (1, 2));
    sink.behave(Behaviour::Silent);
    let start = Instant::now();
    assert!(matches!(hasty(&sink).send(&letter(Kind::Reset), now()), Err(Error::Unavailable(_))));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    // Who hangs up was not slow, so nobody calls again at once.
    let before = sink.connections();
    sink.behave(Behaviour::HangUp);
    assert!(hasty(&sink).check().is_err());
    assert_eq!(sink.connections(), before + 1);
    // Each answer comes in time, so the mail goes out, slowly; the one to QUIT does not matter.
    sink.behave(Behaviour::Slow(Duration::from_millis(120)));
    assert!(hasty(&sink).send(&letter(Kind::Reset), now()).is_ok());
    assert_eq!(sink.mails().len(), 2);
}

#[test]
fn files_hold_the_whole_mail_and_only_the_owner_reads_them() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("files");
    let directory = scratch.0.join("deep/mail");
    let from = parse_mail_from("contactd@localhost").unwrap();
    let mailer =
        Mailer::new(Transport::Files(directory.clone()), from, "http://localhost:8000", None);
    let mailer = mailer.unwrap();
    for _ in 0..2 {
        mailer.send(&letter(Kind::Reset), now()).unwrap();
    }
    let names: Vec<_> = fs::read_dir(&directory).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["outbox-7.ab12@contacts.example.eml"]);
    let path = directory.join(&names[0]);
    let mail = fs::read_to_string(&path).unwrap();
    assert!(mail.contains(&format!("\nhttp://localhost:8000/api/auth/reset-password/{TOKEN}\r\n")));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(mailer.check().is_ok());
}

#[test]
fn a_disk_that_cannot_be_written_is_an_error_and_leaves_nothing_half() {
    let scratch = Scratch::new("full");
    let from = || parse_mail_from("contactd@localhost").unwrap();
    // A file where the directory should be.
    fs::create_dir_all(&scratch.0).unwrap();
    let blocked = scratch.0.join("mail");
    fs::write(&blocked, "x").unwrap();
    let mailer = Mailer::new(Transport::Files(blocked), from(), "http://localhost", None).unwrap();
    assert!(matches!(mailer.send(&letter(Kind::Reset), now()), Err(Error::Unavailable(_))));
    assert!(mailer.check().is_err());
    // A full disk: /dev/full takes the place of the half-written file.
    let directory = scratch.0.join("dev");
    fs::create_dir_all(&directory).unwrap();
    let part = directory.join(".outbox-7.ab12@contacts.example.part");
    std::os::unix::fs::symlink("/dev/full", part).unwrap();
    let full = Transport::Files(directory.clone());
    let mailer = Mailer::new(full, from(), "http://localhost", None).unwrap();
    let why = mailer.send(&letter(Kind::Reset), now()).unwrap_err();
    assert!(matches!(&why, Error::Unavailable(why) if why.contains("No space left")), "{why}");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    assert!(mailer.send(&letter(Kind::Reset), now()).is_ok(), "the next try");
}
