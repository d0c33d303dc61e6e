//! Invented people, for the tests of pages.

use crate::markup::contact::{Birthday, Change};
use crate::markup::page::{Page, User};
use crate::markup::words::Words;
use crate::markup::{birthdays, duplicates, files, list, settings};
use crate::model::user::{self as model, Role};
use chrono::{DateTime, NaiveDate, Utc};
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
        search_fault: None,
        flash: None,
        query: Some(String::new()),
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
        guess: member.to_owned(),
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
        skip: 0,
        next: Some(25),
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
