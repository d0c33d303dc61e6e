//! TLS, sign-in, refusals and slow servers.

use super::super::relay::{TIMEOUTS, Timeouts, hello, redact};
use super::*;
use lettre::transport::smtp::extension::ClientId;
use std::time::{Duration, Instant};

#[test]
fn starttls_is_used_and_the_password_goes_over_it() {
    let sink = Sink::offering(Offer::StartTls);
    let url = sink.url().replace("smtp://", "smtp://ann:hunter2@");
    send(&mailer_by(&url), &letter(Kind::Reset)).unwrap();
    let mail = sink.wait_for(1).remove(0);
    assert!(mail.tls);
    assert_eq!(mail.auth, Some(("ann".to_owned(), "hunter2".to_owned())));
    assert!(mailer_by(&url).check().is_ok());
    assert_eq!(sink.farewells(), 2, "RFC 5321, 4.1.1.10: a client takes leave");
}

#[test]
fn tls_from_the_start() {
    let sink = Sink::offering(Offer::Tls);
    send(&mailer(&sink), &letter(Kind::Reset)).unwrap();
    assert!(sink.wait_for(1).remove(0).tls);
}

#[test]
fn a_server_without_starttls_gets_neither_mail_nor_password() {
    let sink = Sink::start();
    let url = format!("smtp://ann:hunter2@{}", sink.address());
    let refused = send(&mailer_by(&url), &letter(Kind::Reset)).unwrap_err();
    assert!(matches!(&refused, Error::Internal(why) if why.contains("STARTTLS")), "{refused}");
    assert!(sink.mails().is_empty());
    assert!(mailer_by(&url).check().is_err());
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused() {
    for offer in [Offer::Tls, Offer::StartTls] {
        let sink = Sink::offering(offer);
        let transport = Transport::Smtp(parse_smtp_url(&sink.url()).unwrap());
        let from = parse_mail_from("a@b.co").unwrap();
        let mailer = Mailer::new(transport, from, "http://localhost", None).unwrap();
        let refused = send(&mailer, &letter(Kind::Reset)).unwrap_err();
        assert!(refused.to_string().contains("certificate"), "{refused}");
        assert!(sink.mails().is_empty());
    }
}

#[test]
fn a_refusal_shows_whether_time_may_help() {
    let sink = Sink::start();
    let mailer = mailer(&sink);
    let outcome = |behaviour: Behaviour| {
        sink.behave(behaviour);
        send(&mailer, &letter(Kind::Reset))
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
fn a_port_where_nothing_listens_fails_at_once() {
    let sink = Sink::start();
    let mailer = mailer(&sink);
    drop(sink);
    let start = Instant::now();
    assert!(matches!(send(&mailer, &letter(Kind::Reset)), Err(Error::Unavailable(_))));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn errors_hold_no_secret_even_if_the_server_repeats_it() {
    let sink = Sink::start();
    let packed =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "\0ann\0hunter2");
    let mailer = mailer_by(&sink.url().replace("smtp://", "smtp://ann:hunter2@"));
    for (behaviour, expected) in [
        (Behaviour::RefuseAuthEchoing(535), "refuses the password: 535"),
        (Behaviour::RefuseAuthEchoing(454), "cannot sign us in now: 454"),
        (Behaviour::RefuseMailQuoting, "554"),
    ] {
        sink.behave(behaviour);
        let why = send(&mailer, &letter(Kind::Reset)).unwrap_err().to_string();
        assert!(why.contains(expected), "{why}");
        for secret in [TOKEN, &TOKEN[..10], "hunter2", &packed] {
            assert!(!why.contains(secret), "{why}");
        }
    }
}

#[test]
fn of_a_server_s_words_neither_links_nor_secrets_are_kept() {
    for (line, kept) in [
        ("bad link https://x.example/y in\r\n it", "bad link *** in it"),
        ("bad x.example/api/auth/z in it", "bad *** in it"),
        ("bad <tokentok=\r\n entoken> in it", "bad *** entoken> in it"),
        ("no box for ann:hunter2", "no box for ***"),
        ("no such box", "no such box"),
    ] {
        assert_eq!(redact(line, Some(TOKEN), Some("hunter2")), kept);
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

/// With short timeouts, so that the tests are short.
fn hasty(sink: &Sink) -> Mailer {
    let mut mailer = mailer(sink);
    let Channel::Smtp(relay) = &mut mailer.channel else { unreachable!() };
    let milliseconds = Duration::from_millis;
    relay.timeouts =
        Timeouts { connect: milliseconds(300), command: milliseconds(900), quit: milliseconds(60) };
    mailer
}

#[test]
fn a_slow_greeting_is_waited_for_and_silence_is_not() {
    assert_eq!(TIMEOUTS.connect.as_secs() + TIMEOUTS.command.as_secs(), 20);
    let sink = Sink::start();
    sink.behave(Behaviour::SlowGreeting(Duration::from_millis(500)));
    send(&hasty(&sink), &letter(Kind::Reset)).unwrap();
    assert_eq!((sink.mails().len(), sink.connections()), (1, 2));
    sink.behave(Behaviour::Silent);
    let start = Instant::now();
    assert!(matches!(send(&hasty(&sink), &letter(Kind::Reset)), Err(Error::Unavailable(_))));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    // Who hangs up was not slow, so there is no second try at once.
    let before = sink.connections();
    sink.behave(Behaviour::HangUp);
    assert!(hasty(&sink).check().is_err());
    assert_eq!(sink.connections(), before + 1);
    // Each answer comes in time, so the mail goes out, slowly; the one to QUIT does not matter.
    sink.behave(Behaviour::Slow(Duration::from_millis(120)));
    assert!(send(&hasty(&sink), &letter(Kind::Reset)).is_ok());
    assert_eq!(sink.mails().len(), 2);
}
