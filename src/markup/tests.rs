//! What holds for every page.

use super::contact::Shown;
use super::form::{Form, Input};
use super::page::Page;
use super::samples::*;
use super::words::{self, EN, UK};
use super::*;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use vcard::Labelled;

/// The values of an attribute, in order.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    page.split(&start).skip(1).map(|piece| piece.split('"').next().unwrap()).collect()
}

#[test]
fn pages_need_nothing_that_the_policy_forbids() {
    for (name, page) in every_page() {
        let lower = page.to_lowercase();
        for forbidden in
            ["<style", " style=", " onclick", "data:image", "src=\"http", "href=\"javascript"]
        {
            assert!(!lower.contains(forbidden), "{name}: {forbidden}");
        }
        assert_eq!(lower.matches("<script").count(), 1, "{name}: one script");
        assert!(lower.contains("<script src=\"/app.js\" defer></script>"), "{name}");
        assert_eq!(page.matches("<h1>").count(), 1, "{name}: one heading");
        assert!(page.contains("<title>") && page.contains("<main"), "{name}");
    }
}

#[test]
fn every_form_that_changes_something_has_the_token() {
    for (name, page) in every_page() {
        for form in page.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let head = form.split('>').next().unwrap();
            if !head.contains("method=\"dialog\"") {
                assert!(head.contains(" action=\""), "{name}: {head}");
            }
            let signed_in = page.contains("<body class=\"app\">");
            assert_eq!(
                signed_in && head.contains("method=\"post\""),
                form.contains("name=\"csrf\" value=\"t0ken\""),
                "{name}: {head}"
            );
            assert!(
                !form.contains("type=\"password\"") || head.contains("method=\"post\""),
                "{name}: {head}"
            );
            assert!(
                !form.contains("type=\"file\"") || head.contains("multipart/form-data"),
                "{name}: {head}"
            );
        }
    }
}

#[test]
fn every_field_has_a_label_and_every_reference_an_end() {
    for (name, page) in every_page() {
        let ids = values(&page, "id");
        let labels: HashSet<_> = values(&page, "for").into_iter().collect();
        let mut seen = HashSet::new();
        for id in &ids {
            assert!(seen.insert(id), "{name}: {id} twice");
        }
        for kind in ["input", "select", "textarea"] {
            let start = format!("<{kind} ");
            for (number, rest) in page.split(&start).enumerate().skip(1) {
                let field = format!(" {}", rest.split('>').next().unwrap());
                let before = page.split(&start).nth(number - 1).unwrap();
                let inside = before.rfind("<label").is_some_and(|open| {
                    before.rfind("</label>").is_none_or(|closed| closed < open)
                });
                let labelled = values(&field, "id").iter().any(|id| labels.contains(id));
                let hidden = field.contains("type=\"hidden\"");
                assert!(
                    hidden || labelled || inside || field.contains(" aria-label="),
                    "{name}: {field}"
                );
            }
        }
        for label in page.split("<label").skip(1) {
            let label = label.split("</label>").next().unwrap();
            let mut words = label.split('<').filter_map(|it| it.split_once('>'));
            let named = words.any(|(_, text)| !text.trim().is_empty());
            assert!(named || label.contains(" aria-label"), "{name}: {label}");
        }
        let described =
            values(&page, "aria-describedby").into_iter().chain(values(&page, "aria-labelledby"));
        for id in
            described.flat_map(|list| list.split(' ')).chain(labels).chain(values(&page, "list"))
        {
            assert!(ids.contains(&id), "{name}: {id}");
        }
    }
}

#[test]
fn the_second_factor_is_offered_and_its_first_code_is_where_one_types() {
    let page = |wanted: &str| every_page().find(|(name, _)| name == wanted).unwrap().1;
    assert!(page("settings.en").contains(" action=\"/settings/totp\""));
    assert!(page("totp.en").contains(" autofocus"));
}

#[test]
fn a_page_is_small_with_its_style_and_its_script() {
    assert!(SCRIPT.len() <= 15_000, "{} bytes of script", SCRIPT.len());
    for (name, page) in every_page() {
        let all = page.len() + STYLE.len() + SCRIPT.len();
        assert!(all <= 60_000, "{name}: {all} bytes, {} of them HTML", page.len());
    }
}

#[test]
fn what_is_served_lacks_only_what_readers_need() {
    let text = "/* Head.\n   More. */\na {\n  b: c; /* why */\n}\n\n// no\nx(\"//y\");\n";
    assert_eq!(lean(text), "a {\nb: c; /* why */\n}\nx(\"//y\");");
    assert!(STYLE.contains("\n.top{") && SCRIPT.starts_with("(() => {\n\"use strict\";"));
}

#[test]
fn what_comes_from_outside_is_escaped_and_no_link_runs() {
    let evil = "\"><img src=x onerror=alert(1)>";
    let mut d = details();
    d.display_name = evil.to_owned();
    d.nickname = some(evil);
    d.additional_data = some(evil);
    d.labels = vec![evil.to_owned()];
    d.phones = vec![entry(evil, evil, true)];
    d.emails = vec![entry(evil, evil, true)];
    d.urls = vec![Labelled { value: format!("JavaScript:{evil}"), label: some(evil) }];
    let shown = Shown {
        id: 1,
        details: &d,
        has_photo: false,
        next_birthday: None,
        created_at: at("2026-01-02T09:00:00Z"),
        updated_at: at("2026-01-02T09:00:00Z"),
        changed_by: evil,
        history: &[change(1, "2026-01-02T09:00:00Z", evil, Some(evil))],
        all: true,
        later: false,
        then: None,
    };
    let page = contact::page(&reader(&EN, "/"), &shown).into_string();
    assert!(!page.contains("<img src=x") && page.contains("&lt;img src=x onerror"), "{page}");
    assert!(!page.to_lowercase().contains("href=\"javascript"));
    let list = list::List {
        search: evil,
        label: evil,
        labels: &[(evil.to_owned(), 1)],
        ..list::List::default()
    };
    assert!(
        !list::page(&Page { search: evil.to_owned(), ..reader(&EN, "/") }, &list)
            .into_string()
            .contains("<img src=x")
    );
}

#[test]
fn a_web_page_is_a_link_as_most_people_write_it_too() {
    for (value, href) in [
        ("https://example.org/a?b", "https://example.org/a?b"),
        ("HTTP://example.org", "HTTP://example.org"),
        ("example.org", "https://example.org"),
        ("www.приклад.укр/шлях", "https://www.приклад.укр/шлях"),
        ("हिन्दी.भारत", "https://हिन्दी.भारत"),
        ("ร้าน.ไทย/x", "https://ร้าน.ไทย/x"),
        ("javascript:alert(1)", ""),
        ("javascript:alert(1).org/", ""),
        ("//example.org", ""),
        ("example", ""),
        ("my page.", ""),
        ("me@example.org", ""),
    ] {
        let link = contact::link(value).into_string();
        let found = link.split("href=\"").nth(1).and_then(|rest| rest.split('"').next());
        assert_eq!(found.unwrap_or_default(), href, "{value}");
    }
}

#[test]
fn a_fault_stands_beside_its_field() {
    let (_, page) = all_pages(&EN).into_iter().find(|(name, _)| *name == "edit-error").unwrap();
    let page = page.into_string();
    assert!(page.contains("value=\"no address\""), "what was sent is there");
    assert!(page.contains("aria-invalid=\"true\" aria-describedby=\"emails.0.value-fault\""));
    assert!(page.contains("<p class=\"fault\" id=\"emails.0.value-fault\">"));
}

#[test]
fn a_contact_comes_back_from_its_form_as_it_was() {
    for w in [&EN, &UK] {
        let contact = contact_json();
        let (back, rows) = edit::json_of(w, &edit::form_of(w, &contact));
        for name in [
            "prefix",
            "first_name",
            "emails",
            "phones",
            "addresses",
            "birthday",
            "dates",
            "labels",
            "online",
        ] {
            assert_eq!(back[name], contact[name], "{name}");
        }
        assert_eq!(back["urls"], json!([]));
        assert_eq!(rows.iter().find(|(list, _)| *list == "emails").unwrap().1, [0, 1]);
    }
}

#[test]
fn empty_rows_are_no_entries_and_a_date_may_lack_its_year() {
    let fields = [
        ("first_name", "Ann"),
        ("emails.0.value", ""),
        ("emails.0.label", "work"),
        ("emails.3.value", "a@example.com"),
        ("emails.primary", "3"),
        ("birthday", "29.02."),
        ("labels", " a, ,b "),
    ];
    let form = Form::of(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
    let (json, rows) = edit::json_of(&EN, &form);
    assert_eq!(json["emails"], json!([{"value": "a@example.com", "label": null, "primary": true}]));
    assert_eq!(json["birthday"], "--02-29");
    assert_eq!(json["labels"], json!(["a", "b"]));
    assert_eq!(rows.iter().find(|(list, _)| *list == "emails").unwrap().1, [3]);
}

#[test]
fn the_first_focus_is_at_the_first_faulty_field_and_nowhere_else() {
    let shown = |form: &Form| {
        let has = |name, focus| Input { name, focus, ..Input::default() }.show(form).into_string();
        [has("a", true), has("b", false)].map(|field| field.contains(" autofocus"))
    };
    let mut form = Form::default();
    assert_eq!(shown(&form), [true, false]);
    form.fault("b", "is wrong".to_owned());
    assert_eq!(shown(&form), [false, true]);
}

#[test]
fn a_time_says_how_long_ago_it_was() {
    // Today is a Saturday, in Kyiv two hours ahead of UTC.
    for (instant, text) in [
        ("2026-11-28T10:00:00Z", "today, 12:00"),
        ("2026-11-27T22:00:00Z", "today, 00:00"),
        ("2026-11-27T21:59:00Z", "yesterday, 23:59"),
        ("2026-11-26T10:00:00Z", "Thu 26 November, 12:00"),
        ("2026-11-23T10:00:00Z", "Mon 23 November, 12:00"),
        ("2026-11-22T10:00:00Z", "22 November, 12:00"),
        ("2026-01-01T10:00:00Z", "1 January, 12:00"),
        ("2025-12-31T10:00:00Z", "31 December 2025, 12:00"),
        // By the clock of another replica.
        ("2026-11-29T10:00:00Z", "29 November, 12:00"),
    ] {
        let shown = reader(&EN, "/").time(at(instant)).into_string();
        assert!(shown.ends_with(&format!(">{text}</time>")), "{shown}, and not {text}");
    }
}

#[test]
fn dates_stand_in_the_readers_order() {
    let mut p = reader(&EN, "/");
    assert_eq!(p.date(day("1984-02-29")), "29 February 1984");
    p.month_first = true;
    assert_eq!(p.date(day("1984-02-29")), "February 29, 1984");
    assert_eq!(reader(&UK, "/").date(day("1984-02-29")), "29 лютого 1984");
    p.zone = None;
    assert!(
        p.time(at("2025-11-28T12:02:00Z"))
            .into_string()
            .ends_with(">November 28, 2025, 12:02 UTC</time>")
    );
}

#[test]
fn letters_stand_for_a_picture() {
    for (name, letters) in [
        ("Dr. Jürgen Müller", "DM"),
        ("山田太郎", "山"),
        ("Їжак", "Ї"),
        ("+49 30", "#"),
        ("😀 1", "😀"),
        ("a-b (work)", "A"),
        ("ʻAnela Kealoha", "AK"),
        ("გიორგი მაისურაძე", "გმ"),
    ] {
        assert_eq!(super::pictures::initials(name), letters, "{name}");
    }
    let big = page::face(7, "Ann", None, "big").into_string();
    assert!(big.contains("class=\"face c2 big\""), "{big}");
}

#[test]
fn no_language_lacks_words() {
    assert_eq!(words::LANGUAGES.len(), 2);
    for (tag, _) in words::LANGUAGES {
        let w = words::of(tag).unwrap();
        assert_eq!(w.months.split('|').count(), 12);
        assert_eq!(w.months_of.split('|').count(), 12);
        assert_eq!(w.weekdays.split('|').count(), 7);
    }
}

/// Colours of the style sheet: light, dark.
fn colours() -> [HashMap<String, [f64; 3]>; 2] {
    let (light, rest) = STYLE.split_once("@media (prefers-color-scheme:dark)").unwrap();
    let dark = rest.split("\n}\n").next().unwrap();
    [light, dark].map(|part| {
        let lines = part.lines().filter_map(|line| line.trim().split_once(":#"));
        let named = lines.filter(|(name, _)| name.starts_with("--"));
        let channel =
            |hex: &str, at| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        named
            .map(|(name, hex)| {
                (name.to_owned(), [channel(hex, 0), channel(hex, 2), channel(hex, 4)])
            })
            .collect()
    })
}

/// WCAG 2.2.
fn luminance(colour: [f64; 3]) -> f64 {
    let linear = colour.map(|value| match value {
        dark if dark <= 0.040_45 => dark / 12.92,
        light => ((light + 0.055) / 1.055).powf(2.4),
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

#[test]
fn colours_can_be_told_apart() {
    let text = ["page", "card", "hover", "tint"].map(|back| ("text", back, 4.5));
    let soft = ["page", "card", "hover", "tint"].map(|back| ("soft", back, 4.5));
    let accent = ["page", "card", "hover"].map(|back| ("accent", back, 4.5));
    let faces = ["c0", "c1", "c2", "c3", "c4"].map(|back| ("on-c", back, 4.5));
    let others = [
        ("on-tint", "tint", 4.5),
        ("on-accent", "accent", 4.5),
        ("on-accent", "accent-hover", 4.5),
        ("danger", "card", 4.5),
        ("danger", "hover", 4.5),
        ("danger", "page", 4.5),
        ("danger", "danger-page", 4.5),
        ("good", "good-page", 4.5),
        ("on-flash", "flash", 4.5),
        ("undo", "flash", 4.5),
        ("control", "card", 3.0),
        ("control", "page", 3.0),
    ];
    for colours in colours() {
        for (front, back, least) in
            text.iter().chain(&soft).chain(&accent).chain(&faces).chain(&others)
        {
            let (a, b) = (
                luminance(colours[&format!("--{front}")]),
                luminance(colours[&format!("--{back}")]),
            );
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= *least, "{front} on {back}: {contrast:.2}");
        }
    }
}

#[test]
fn an_address_begins_no_header_of_a_mail() {
    let shown = super::list::mailto("a.b-c_d+e@example.com?bcc=eve@example.com&body=x#y");
    assert_eq!(shown, "mailto:a.b-c_d+e@example.com%3Fbcc%3Deve@example.com%26body%3Dx%23y");
}
