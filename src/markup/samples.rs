//! Every page from invented people, for the tests.

use super::contact::{Birthday, Change, Shown};
use super::doors::DeadLink;
use super::form::Form;
use super::page::{Flash, Page, User};
use super::words::{EN, UK, Words};
use super::*;
use crate::model::user::{self as model, Role};
use chrono::{DateTime, NaiveDate, Utc};
use maud::Markup;
use serde_json::{Value, json};
use vcard::{Address, DateEntry, Details, Entry, Labelled, Online, PartialDate};

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn reader(w: &'static Words, path: &'static str) -> Page<'static> {
    Page {
        w,
        month_first: false,
        zone: Some(chrono_tz::Europe::Kyiv),
        today: day("2026-11-28"),
        path,
        user: Some(User {
            username: "ann".to_owned(),
            avatar: "/icon.svg".to_owned(),
            is_admin: true,
        }),
        csrf: "t0ken".to_owned(),
        search: String::new(),
        flash: None,
    }
}

pub fn stranger(w: &'static Words) -> Page<'static> {
    Page { user: None, csrf: String::new(), ..reader(w, "/") }
}

pub fn people() -> Vec<list::Row> {
    let rows = [
        ("Олена Бондаренко", "Київський зоопарк", "+380 67 123 45 67"),
        ("Example GmbH", "info@example.com", "+49 30 1234567"),
        ("Grace Hopper", "US Navy", "+1 202 555 0123"),
        ("Ada Lovelace", "ada@analytical.example", ""),
        ("Dr. Jürgen Müller", "Example GmbH", "+49 30 1234567"),
        ("محمد الأحمد", "mohammed@example.net", "+966 11 555 0199"),
        ("Łukasz Żółć", "", "+48 22 555 01 99"),
        (
            "Wolfeschlegelsteinhausenbergerdorff Maximiliana Alexandra",
            "Institute for Extraordinarily Long Names",
            "+44 20 7946 0958",
        ),
        ("山田太郎", "", ""),
        ("Taras Shevchenko", "Kobzar Press", "+380 44 555 01 23"),
    ];
    let rows = rows.iter().cycle().take(50).enumerate();
    rows.map(|(at, (name, about, phone))| list::Row {
        id: 1_000 + at as i64 * 7,
        name: (*name).to_owned(),
        has_photo: false,
        about: (*about).to_owned(),
        phone: (*phone).to_owned(),
    })
    .collect()
}

pub fn labels() -> Vec<(String, i64)> {
    [("family", 12), ("optics", 31), ("Харків", 8), ("work", 140), ("choir", 27)]
        .map(|(label, n)| (label.to_owned(), n))
        .to_vec()
}

pub fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub fn entry(value: &str, label: &str, primary: bool) -> Entry {
    Entry { value: value.to_owned(), label: some(label), primary }
}

pub fn details() -> Details {
    Details {
        display_name: "Dr. Jürgen Müller".to_owned(),
        prefix: some("Dr."),
        first_name: some("Jürgen"),
        last_name: some("Müller"),
        nickname: some("Jojo"),
        organization: some("Example GmbH"),
        department: some("Research"),
        job_title: some("Head of Optics"),
        emails: vec![
            entry("j.mueller@example.com", "work", true),
            entry("jojo@example.net", "home", false),
        ],
        phones: vec![
            entry("+49 30 1234567", "work", true),
            entry("+49 33 000", "boat house", false),
        ],
        addresses: vec![Address {
            label: some("home"),
            primary: true,
            extended: some("2nd floor"),
            street: some("Lindenstr. 5"),
            city: some("Berlin"),
            postal_code: some("10969"),
            country: some("Germany"),
            ..Address::default()
        }],
        urls: vec![
            Labelled { value: "https://mueller.example".to_owned(), label: some("blog") },
            Labelled { value: "javascript:alert(1)".to_owned(), label: None },
        ],
        birthday: Some(PartialDate { year: Some(1984), month: 2, day: 29 }),
        dates: vec![DateEntry {
            value: PartialDate { year: Some(2015), month: 5, day: 16 },
            label: some("anniversary"),
        }],
        relations: vec![Labelled { value: "Anna Müller".to_owned(), label: some("sister") }],
        online: vec![Online {
            service: some("matrix"),
            value: "@jojo:example.net".to_owned(),
            label: None,
        }],
        additional_data: some("Met in Oslo; allergic to nuts.\nLikes the opera."),
        labels: vec!["family".to_owned(), "optics".to_owned()],
        ..Details::default()
    }
}

pub fn contact_json() -> Value {
    json!({
        "id": 42, "display_name": "Dr. Jürgen Müller", "prefix": "Dr.", "first_name": "Jürgen", "last_name": "Müller", "nickname": "Jojo",
        "organization": "Example GmbH", "job_title": "Head of Optics",
        "emails": [{"value": "j.mueller@example.com", "label": "work", "primary": true}, {"value": "jojo@example.net", "label": "home", "primary": false}],
        "phones": [{"value": "+49 30 1234567", "label": "work", "primary": false}, {"value": "+49 33 000", "label": "boat house", "primary": true}],
        "addresses": [{"label": "home", "primary": true, "po_box": null, "extended": "2nd floor", "street": "Lindenstr. 5", "city": "Berlin", "region": null, "postal_code": "10969", "country": "Germany"}],
        "birthday": "--02-29", "dates": [{"value": "2015-05-16", "label": "anniversary"}], "labels": ["family", "optics"],
        "online": [{"service": "matrix", "value": "@jojo:example.net", "label": null}]
    })
}

pub fn birthdays() -> Vec<birthdays::Row> {
    let rows = [
        (1, "Олена Бондаренко", "2026-11-28", 0, Some(38)),
        (2, "Grace Hopper", "2026-12-09", 11, Some(120)),
        (3, "Ada Lovelace", "2026-12-10", 12, None),
        (4, "Dr. Jürgen Müller", "2027-02-28", 92, Some(43)),
    ];
    rows.map(|(id, name, date, days, turns)| birthdays::Row {
        id,
        name: name.to_owned(),
        has_photo: false,
        next: Birthday { date: day(date), days, turns },
    })
    .into_iter()
    .collect()
}

pub fn change(revision: i64, when: &str, by: &str, name: Option<&str>) -> Change {
    Change { revision, at: at(when), by: by.to_owned(), name: name.map(str::to_owned) }
}

pub fn twin(id: i64, name: &str, title: &str, mail: &str) -> duplicates::Twin {
    duplicates::Twin {
        id,
        name: name.to_owned(),
        has_photo: false,
        single: vec![
            ("first_name", "Grace".to_owned()),
            ("last_name", "Hopper".to_owned()),
            ("job_title", title.to_owned()),
            ("organization", "US Navy".to_owned()),
        ],
        lists: vec![("emails", mail.to_owned()), ("phones", "+1 202 555 0123".to_owned())],
    }
}

pub fn found(columns: bool) -> files::Found {
    let row = |line, name: &str, about: &str, verdict| files::FileRow {
        line,
        name: name.to_owned(),
        about: about.to_owned(),
        verdict,
        remarks: Vec::new(),
    };
    let column = |title: &str, member: &str, sample: &str| files::Column {
        title: title.to_owned(),
        member: member.to_owned(),
        sample: sample.to_owned(),
    };
    files::Found {
        format: "CSV, Google".to_owned(),
        charset: "windows-1251".to_owned(),
        new: 297,
        updated: 0,
        duplicates: 2,
        faults: 1,
        rows: vec![
            row(2, "Олена Бондаренко", "olena@example.com", files::Verdict::New),
            row(3, "Grace Hopper", "+1 202 555 0123", files::Verdict::Known(None)),
            row(4, "", "", files::Verdict::Fault),
        ],
        remarks: 0,
        columns: if columns {
            vec![
                column("Imię", "first_name", "Łukasz"),
                column("Nazwisko", "last_name", "Żółć"),
                column("Hobby", "", "chess"),
            ]
        } else {
            Vec::new()
        },
    }
}

pub fn account(id: i64, name: &str, role: Role, is_active: bool) -> model::User {
    model::User {
        id,
        username: name.to_owned(),
        email: format!("{name}@example.com"),
        role,
        is_verified: id != 3,
        is_active,
        language: some("en"),
        avatar_key: None,
        created_at: at("2026-10-02T09:00:00Z"),
    }
}

pub fn own_account(user: &model::User) -> settings::Account<'_> {
    let session = |id, device: &str, ip: &str, current| settings::Session {
        id,
        device: device.to_owned(),
        ip: ip.to_owned(),
        last_used_at: at("2026-11-28T11:02:00Z"),
        current,
    };
    settings::Account {
        user,
        avatar: "/icon.svg",
        totp: false,
        sessions: vec![
            session(1, "Firefox, Linux", "203.0.113.7", true),
            session(2, "Safari, iPhone", "2001:db8::7", false),
        ],
    }
}

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
        history: history.clone(),
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
        search: "",
    };
    let plain = list::List {
        label: "",
        later: false,
        rows: people(),
        total: 10_000,
        sort: "name",
        next: some("cursor=abc"),
        labels: &known,
        search: "",
    };
    let deleted = Flash { text: w.n(w.deleted, 3), undo: Some(512), duplicates: 9 };
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
            reasons: vec!["phone", "name"],
            likely: true,
            chosen: false,
            twins: vec![
                twin(7, "Grace Hopper", "Rear Admiral", "grace@navy.example"),
                twin(8, "Grace B. Hopper", "Commodore", "hopper@example.com"),
            ],
        },
        duplicates::Group {
            reasons: vec!["name"],
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
    };
    let users = [
        account(1, "ann", Role::Admin, true),
        account(2, "bob", Role::User, false),
        account(3, "eve", Role::User, true),
    ];
    let health = admin::Health {
        version: "0.1.0",
        postgres: "ok".to_owned(),
        redis: "ok".to_owned(),
        mails_waiting: 2,
        mails_failing: 0,
    };
    let slice = admin::Slice { search: "", role: "", total: 3, next: None };
    let event = |action: &str, actor| admin::Event {
        at: at("2026-11-28T10:58:00Z"),
        action: action.to_owned(),
        actor,
        user: Some(2),
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
        ("dead-confirm", doors::dead_link(&stranger(w), DeadLink::Confirm)),
        ("dead-reset", doors::dead_link(&stranger(w), DeadLink::Reset)),
        (
            "error",
            doors::error(&stranger(w), "Too Many Requests", "Try again in 42 seconds.", "0f9c-77"),
        ),
        ("message", page::message(&p("/settings"), w.settings, w.stale_form, &maud::html! {})),
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
        ("duplicates", duplicates::page(&p("/duplicates"), &groups, 12, 4, None)),
        ("no-duplicates", duplicates::page(&p("/duplicates"), &[], 0, 0, None)),
        ("trash", past::trash(&p("/trash"), &batches, 3, None)),
        ("trash-empty", past::trash(&p("/trash"), &[], 0, None)),
        ("history", past::history(&p("/history"), &stretches, some("before=17").as_deref())),
        ("rewind", past::rewind(&p("/history"), "17", 412, 3, 1)),
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
            ),
        ),
        ("admin", admin::accounts(&p("/admin"), &health, &users, &slice, &none)),
        (
            "events",
            admin::events(
                &p("/admin"),
                &[event("login", Some(2)), event("login_failed", None)],
                "",
                "",
                None,
            ),
        ),
        (
            "sure",
            admin::sure(
                &p("/admin"),
                &users[1],
                &Form::of(vec![("action".to_owned(), "delete".to_owned())]),
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
