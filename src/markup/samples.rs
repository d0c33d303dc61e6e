//! Every page from invented people, for the tests.

mod people;

use super::contact::{Birthday, Shown};
use super::doors::DeadLink;
use super::form::Form;
use super::page::{Flash, Page};
use super::words::{EN, UK, Words};
use super::*;
use crate::model::alike::Reason;
use crate::model::user::Role;
use maud::Markup;
pub use people::*;

pub fn all_pages(w: &'static Words) -> Vec<(&'static str, Markup)> {
    let none = Form::default();
    let p = |path| reader(w, path);
    let d = details();
    let history = vec![
        change(9, "2026-11-20T17:31:05Z", "my phone", Some("Jürgen Müller")),
        change(3, "2026-11-02T09:00:00Z", "import", None),
    ];
    let shown = |then| Shown {
        id: 42,
        details: &d,
        has_photo: false,
        next_birthday: Some(Birthday { date: day("2027-02-28"), days: 92, turns: Some(43) }),
        created_at: at("2026-01-02T09:00:00Z"),
        updated_at: at("2026-11-27T17:31:05Z"),
        changed_by: "my phone",
        history: &history,
        all: true,
        later: false,
        then,
    };
    let known = labels();
    let listed = list::List {
        rows: people(),
        total: 10_000,
        label: "optics",
        sort: "name",
        next: some("cursor=abc"),
        later: true,
        labels: &known,
        query: "sort=name&cursor=abc",
        ..list::List::default()
    };
    let plain = list::List {
        label: "",
        later: false,
        rows: people(),
        total: 10_000,
        sort: "name",
        next: some("cursor=abc"),
        labels: &known,
        query: "sort=name&cursor=abc",
        ..list::List::default()
    };
    let deleted = Flash {
        text: w.n(w.deleted, 3),
        undo: Some((512, 515)),
        duplicates: 9,
        ..Flash::default()
    };
    let stored = edit::form_of(w, &contact_json());
    let mut mine = stored.clone();
    mine.set("phones.1.value", "+49 33 001");
    let edited = |now| edit::Edited {
        id: Some(42),
        revision: 9,
        has_photo: false,
        known_labels: &known,
        now,
    };
    let mut wrong = stored.clone();
    wrong.set("emails.0.value", "no address");
    wrong.fault("emails.0.value", w.sentence("must be an e-mail address"));
    let groups = [
        duplicates::Group {
            reasons: vec![Reason::Phone, Reason::Name],
            likely: true,
            chosen: false,
            twins: vec![
                twin(7, "Grace Hopper", "Rear Admiral", "grace@navy.example"),
                twin(8, "Grace B. Hopper", "Commodore", "hopper@example.com"),
            ],
        },
        duplicates::Group {
            reasons: vec![Reason::Name],
            likely: false,
            chosen: false,
            twins: vec![twin(9, "Grace Hopper", "", "")],
        },
    ];
    let batches = [
        past::Batch {
            at: at("2026-11-24T12:02:00Z"),
            by: "iPhone".to_owned(),
            whole: true,
            contacts: vec![(1, "Ada Lovelace".to_owned()), (2, "Олена Бондаренко".to_owned())],
        },
        past::Batch {
            at: at("2026-11-01T08:40:00Z"),
            by: "Firefox".to_owned(),
            whole: false,
            contacts: vec![(3, "Grace Hopper".to_owned())],
        },
    ];
    let stretch =
        |when: &str, by: &str, made, changed, deleted, name: Option<&str>| past::Stretch {
            at: at(when),
            by: by.to_owned(),
            made,
            changed,
            deleted,
            name: name.map(|name| (3, name.to_owned())),
            several: deleted > 1,
            is_there: deleted == 0,
            before: 17,
        };
    let stretches = [
        stretch("2026-11-28T08:02:00Z", "Firefox", 0, 1, 0, Some("Ada Lovelace")),
        stretch("2026-11-24T12:02:00Z", "iPhone", 0, 0, 412, Some("Ivan Franko")),
        stretch("2026-11-20T09:15:00Z", "import", 300, 2, 0, None),
    ];
    let mut weak = Form::default();
    weak.fault("new_password", w.sentence("is one of the most common passwords"));
    let mut refused = Form::of(vec![("username".to_owned(), "ann".to_owned())]);
    refused.fault("", w.sentence("Invalid username or password"));
    let qr = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 21 21\"><path d=\"M0 0h7v7H0zM14 0h7v7h-7zM0 14h7v7H0zM9 9h3v3H9zM14 14h2v7h-2zM18 12h3v4h-3z\"/></svg>";
    let devices = [
        connect::AppPassword {
            id: 1,
            name: "my phone".to_owned(),
            scope: "carddav".to_owned(),
            created_at: at("2026-10-02T09:00:00Z"),
            last_used: Some((at("2026-11-28T10:58:00Z"), "203.0.113.7".to_owned())),
        },
        connect::AppPassword {
            id: 2,
            name: "backup".to_owned(),
            scope: "read".to_owned(),
            created_at: at("2026-10-02T09:00:00Z"),
            last_used: None,
        },
    ];
    let fresh = connect::Fresh {
        name: "my phone".to_owned(),
        scope: "carddav".to_owned(),
        secret: "k7fq-3vzn-w2rd-8hmx-5tpe-c9aj".to_owned(),
        qr: qr.to_owned(),
        book: "https://contacts.example/dav/addressbooks/1/contacts/".to_owned(),
    };
    let users = [
        account(1, "ann", Role::Admin, true),
        account(2, "bob", Role::User, false),
        account(3, "eve", Role::User, true),
    ];
    let health =
        admin::Health { version: "0.1.0", redis: "ok", mails_waiting: 2, mails_failing: 0 };
    let slice = admin::Slice { search: "", role: "", total: 3, query: String::new(), next: None };
    let event = |action: &str, actor| admin::Event {
        at: at("2026-11-28T10:58:00Z"),
        action: action.to_owned(),
        actor,
        user: Some((2, None)),
        ip: "203.0.113.7".to_owned(),
    };
    let codes: Vec<_> = (0..10).map(|n| format!("k7fq-3vz{n}-w2")).collect();
    let calendar = birthdays::Calendar {
        exists: true,
        url: some("https://contacts.example/calendars/1.k7fq3vznw2rd8hmx5tpec9aj.ics"),
    };
    vec![
        ("welcome", doors::welcome(&stranger(w), true)),
        ("login", doors::login(&stranger(w), &refused, true)),
        ("code", doors::code(&stranger(w), &none)),
        ("register", doors::register(&stranger(w), &none)),
        ("forgot", doors::forgot(&stranger(w), &none)),
        ("confirm", doors::confirm(&stranger(w), "tok-en_1", "ann", "ann@example.com")),
        ("confirmed", doors::done(&stranger(w), w.confirmed, w.confirmed_text)),
        ("reset", doors::reset(&stranger(w), "tok-en_1", &none)),
        ("reset-error", doors::reset(&stranger(w), "tok-en_1", &weak)),
        ("late", late::page(&stranger(w), "/contacts/new", &stored)),
        ("dead-confirm", doors::dead_link(&stranger(w), DeadLink::Confirm)),
        ("dead-reset", doors::dead_link(&stranger(w), DeadLink::Reset)),
        (
            "error",
            doors::error(
                &stranger(w),
                "Too Many Requests",
                "Try again in 42 seconds.",
                ("/", w.first_page),
                "0f9c-77",
            ),
        ),
        ("message", page::message(&p("/settings"), w.settings, w.stale_form)),
        ("contacts", list::page(&p("/contacts"), &plain)),
        ("label", list::page(&Page { flash: Some(deleted), ..p("/contacts") }, &listed)),
        ("empty", list::page(&p("/contacts"), &list::List::default())),
        (
            "nothing",
            list::page(
                &Page { search: "xyz".to_owned(), ..p("/contacts") },
                &list::List { search: "xyz", labels: &known, ..list::List::default() },
            ),
        ),
        ("contact", contact::page(&p("/contacts/42"), &shown(None))),
        ("contact-then", contact::page(&p("/contacts/42"), &shown(history.first()))),
        (
            "new",
            edit::page(
                &p("/contacts/new"),
                &edit::Edited { id: None, revision: 0, ..edited(None) },
                &none,
            ),
        ),
        ("edit", edit::page(&p("/contacts/42/edit"), &edited(None), &stored)),
        ("edit-error", edit::page(&p("/contacts/42/edit"), &edited(None), &wrong)),
        ("conflict", edit::page(&p("/contacts/42/edit"), &edited(Some(&stored)), &mine)),
        ("import", files::choose(&p("/import"), &none)),
        ("import-found", files::found(&p("/import"), &found(false), &none)),
        ("import-columns", files::found(&p("/import"), &found(true), &none)),
        ("export", files::export(&p("/export"), &known, 10_000)),
        (
            "birthdays",
            birthdays::page(&p("/birthdays"), &birthdays(), &birthdays::Calendar::default(), None),
        ),
        ("calendar", birthdays::page(&p("/birthdays"), &birthdays(), &calendar, None)),
        (
            "no-birthdays",
            birthdays::page(&p("/birthdays"), &[], &birthdays::Calendar::default(), None),
        ),
        ("duplicates", duplicates::page(&p("/duplicates"), &groups, 0, 12, 4)),
        ("no-duplicates", duplicates::page(&p("/duplicates"), &[], 0, 0, 0)),
        ("trash", past::trash(&p("/trash"), &batches, 3, None)),
        ("trash-empty", past::trash(&p("/trash"), &[], 0, None)),
        ("history", past::history(&p("/history"), &stretches, some("before=17").as_deref())),
        ("rewind", past::rewind(&p("/history"), ("17", 512), 412, 3, 1)),
        ("settings", settings::page(&p("/settings"), &own_account(&users[0]), "", &none)),
        (
            "totp",
            settings::totp_setup(
                &p("/settings"),
                qr,
                &Form::of(vec![("secret".to_owned(), "JBSWY3DPEHPK3PXP".to_owned())]),
            ),
        ),
        ("codes", settings::recovery_codes(&p("/settings"), &codes)),
        (
            "connect",
            connect::page(
                &p("/settings/connect"),
                "https://contacts.example",
                "ann",
                &devices,
                None,
                &none,
                None,
            ),
        ),
        (
            "connected",
            connect::page(
                &p("/settings/connect"),
                "https://contacts.example",
                "ann",
                &devices,
                Some(&fresh),
                &none,
                None,
            ),
        ),
        ("admin", admin::accounts(&p("/admin"), &health, &users, &slice)),
        (
            "events",
            admin::events(
                &p("/admin"),
                &[event("login", Some((2, Some("bob".to_owned())))), event("login_failed", None)],
                "",
                ("", &["login", "login_failed"]),
                None,
            ),
        ),
        (
            "sure",
            admin::sure(
                &p("/admin"),
                &users[1],
                &Form::of(vec![("action".to_owned(), "delete".to_owned())]),
                "/admin",
            ),
        ),
    ]
}

pub fn every_page() -> impl Iterator<Item = (String, String)> {
    let pages = [&EN, &UK].into_iter().flat_map(|w| {
        all_pages(w)
            .into_iter()
            .map(move |(name, page)| (format!("{name}.{}", w.lang), page.into_string()))
    });
    pages.collect::<Vec<_>>().into_iter()
}
