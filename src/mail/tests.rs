//! Against a real socket: the server is `support::smtp`.

mod files;
mod relay;
mod settings;

use super::letter::Text;
use super::*;
use crate::markup::words;
use std::collections::HashSet;
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
        token: (!kind.is_notice()).then(|| TOKEN.to_owned()),
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

fn send(mailer: &Mailer, letter: &Letter) -> Result<()> {
    mailer.send(letter, now()).map_err(|not_sent| not_sent.error)
}

fn send_one(letter: &Letter) -> Mail {
    let sink = Sink::start();
    send(&mailer(&sink), letter).unwrap();
    sink.wait_for(1).remove(0)
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
        assert!(matches!(send(&mailer, &odd), Err(Error::Internal(_))), "{to:?}");
    }
    for id in ["", "a", "a@", "@a", "a@b\r\nBcc: x", "../a@b", "a/b@c", "a@b@c", ".a@b"] {
        let odd = Letter { message_id: id.to_owned(), ..letter(Kind::Reset) };
        assert!(matches!(send(&mailer, &odd), Err(Error::Internal(_))), "{id:?}");
    }
    for token in [None, Some(""), Some("a b"), Some("a\"><script>"), Some("a\r\nb")] {
        let odd = Letter { token: token.map(str::to_owned), ..letter(Kind::Reset) };
        assert!(matches!(send(&mailer, &odd), Err(Error::Internal(_))), "{token:?}");
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
    let refused = send(&mailer(&sink), &box_name).unwrap_err();
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
