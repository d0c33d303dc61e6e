//! The rules of the contract for bodies, over what is stored.

use super::*;
use serde_json::json;
use vcard::Entry;

fn latest() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
}

fn apply(method: Method, stored: &Details, body: Value) -> Result<Details> {
    Input::read(body, method).unwrap().apply(stored, latest())
}

fn post(body: Value) -> Result<Details> {
    apply(Method::Post, &Details::default(), body)
}

/// The names of the faults.
#[track_caller]
fn faults(result: Result<Details>) -> Vec<String> {
    let Err(Error::Invalid(faults)) = result else { panic!("must fail: {result:?}") };
    let mut fields: Vec<_> = faults.into_iter().map(|fault| fault.field).collect();
    fields.sort_unstable();
    fields
}

fn values(list: &[Entry]) -> Vec<(&str, bool)> {
    list.iter().map(|it| (it.value.as_str(), it.primary)).collect()
}

/// A contact with two numbers, the second one primary.
fn two_phones() -> Details {
    let entry = |value: &str, primary| Entry {
        value: value.to_owned(),
        label: Some("home".to_owned()),
        primary,
    };
    Details {
        display_name: "Ann".to_owned(),
        first_name: Some("Ann".to_owned()),
        phones: vec![entry("111", false), entry("222", true)],
        ..Details::default()
    }
}

#[test]
fn every_wrong_member_is_named_by_its_path() {
    let wrong = json!({
        "first_name": "x".repeat(101), "organization": 7, "nick": "x",
        "emails": [{"value": "a@example.com"}, {"value": "no"}, {"label": "x"}, 7],
        "phone": "12", "phones": [{"value": "112", "primary": true}, {"value": "113", "primary": true}],
        "addresses": [{"city": "x".repeat(501), "town": "x"}],
        "urls": {}, "birthday": "1604-01-01", "dates": [{"value": "2026-11-23"}],
        "online": [{"value": "x", "service": 1}], "labels": [1],
    });
    let expected = [
        "addresses.0.city",
        "addresses.0.town",
        "birthday",
        "dates.0.value",
        "emails.1.value",
        "emails.2.value",
        "emails.3",
        "first_name",
        "labels",
        "nick",
        "online.0.service",
        "organization",
        "phone",
        "phone",
        "phones",
        "urls",
    ];
    assert_eq!(faults(post(wrong)), expected);
}

#[test]
fn a_name_is_needed_where_names_change_and_a_card_without_one_can_be_sent_back() {
    for name in ["first_name", "last_name", "nickname", "organization"] {
        assert!(post(json!({ name: "x" })).is_ok(), "{name}");
        assert_eq!(faults(post(json!({ name: " \u{200b} " }))), ["first_name"]);
    }
    assert_eq!(faults(post(json!({"prefix": "Dr."}))), ["first_name"]);
    let nameless = Details { display_name: "a@example.com".to_owned(), ..Details::default() };
    assert!(apply(Method::Put, &nameless, json!({"display_name": "a@example.com"})).is_ok());
    assert!(apply(Method::Patch, &nameless, json!({"prefix": "Dr."})).is_ok());
    let ann = two_phones();
    assert_eq!(faults(apply(Method::Patch, &ann, json!({"first_name": null}))), ["first_name"]);
    assert_eq!(faults(apply(Method::Put, &ann, json!({}))), ["first_name"]);
}

#[test]
fn the_flat_member_is_the_primary_entry() {
    let ann = two_phones();
    let name = |body: Value| {
        let mut body = body;
        body["first_name"] = json!("Ann");
        body
    };
    for (method, body, expected) in [
        (Method::Patch, json!({}), &[("111", false), ("222", true)][..]),
        (Method::Patch, json!({"phone": "333"}), &[("111", false), ("333", true)]),
        (Method::Patch, json!({"phone": null}), &[("111", true)]),
        (Method::Patch, json!({"phone": ""}), &[("111", true)]),
        (Method::Put, json!({}), &[("111", true)]),
        (Method::Put, json!({"phone": "333"}), &[("111", false), ("333", true)]),
        (Method::Put, json!({"phones": null}), &[]),
        (
            Method::Put,
            json!({"phones": [{"value": "444"}, {"value": "555"}]}),
            &[("444", true), ("555", false)],
        ),
        (Method::Post, json!({"phone": "333"}), &[("333", true)]),
        (Method::Post, json!({}), &[]),
    ] {
        let stored = if method == Method::Post { Details::default() } else { ann.clone() };
        let wanted = apply(method, &stored, name(body.clone())).unwrap();
        assert_eq!(values(&wanted.phones), expected, "{method:?} {body}");
    }
}

#[test]
fn of_list_and_flat_member_the_one_that_changed_counts() {
    let ann = two_phones();
    let as_read = json!([
        {"value": "111", "label": "home", "primary": false},
        {"value": "222", "label": "home", "primary": true},
    ]);
    let other = json!([{"value": "444", "primary": true}]);
    for method in [Method::Put, Method::Patch] {
        let phones = |list: &Value, flat: Value| {
            let body = json!({"first_name": "Ann", "phones": list, "phone": flat});
            apply(method, &ann, body)
                .map(|it| it.phones.into_iter().map(|it| it.value).collect::<Vec<_>>())
        };
        assert_eq!(phones(&as_read, json!("222")).unwrap(), ["111", "222"]);
        assert_eq!(phones(&as_read, json!("333")).unwrap(), ["111", "333"]);
        assert_eq!(phones(&as_read, json!(null)).unwrap(), ["111"]);
        assert_eq!(phones(&other, json!("222")).unwrap(), ["444"]);
        assert_eq!(phones(&other, json!("444")).unwrap(), ["444"]);
        assert!(phones(&other, json!("333")).is_err(), "both changed, and disagree");
    }
    let both = |flat: Value| post(json!({"first_name": "A", "phones": other, "phone": flat}));
    assert!(both(json!("444")).is_ok());
    assert_eq!(faults(both(json!("333"))), ["phone"]);
}

#[test]
fn what_came_in_a_card_is_fine_as_it_is_and_not_in_a_new_place() {
    let mut odd = two_phones();
    odd.phones[0].value = "4.91512E+11".to_owned();
    odd.first_name = Some("x".repeat(130));
    odd.labels = (0..60).map(|n| n.to_string()).collect();
    let back = json!({
        "display_name": "Ann", "first_name": odd.first_name, "labels": odd.labels,
        "phones": [{"value": "4.91512E+11", "label": "home"}, {"value": "222", "label": "home", "primary": true}],
    });
    assert_eq!(apply(Method::Put, &odd, back).unwrap(), odd);
    assert_eq!(
        faults(apply(Method::Patch, &odd, json!({"last_name": "x".repeat(130)}))),
        ["last_name"]
    );
    let more: Vec<_> = (0..61).map(|n| n.to_string()).collect();
    assert_eq!(faults(apply(Method::Patch, &odd, json!({ "labels": more }))), ["labels"]);
}

#[test]
fn limits_are_inclusive() {
    for (member, longest) in [
        ("first_name", json!("x".repeat(NAME_MAX))),
        ("organization", json!("x".repeat(LONG_NAME_MAX))),
        ("display_name", json!("x".repeat(LONG_NAME_MAX))),
        ("additional_data", json!("x".repeat(ADDITIONAL_DATA_MAX))),
        ("labels", json!((0..LIST_MAX).map(|n| n.to_string()).collect::<Vec<_>>())),
        ("labels", json!(["x".repeat(LABEL_MAX)])),
        ("urls", json!([{"value": "x".repeat(URL_MAX), "label": "x".repeat(LABEL_MAX)}])),
        ("relations", json!([{"value": "x".repeat(PART_MAX)}])),
        ("addresses", json!([{"city": "x".repeat(PART_MAX)}])),
        ("phones", json!(vec![json!({"value": "112"}); LIST_MAX])),
    ] {
        let body = |value: Value| {
            let mut body = json!({"nickname": "x"});
            body[member] = value;
            body
        };
        assert!(post(body(longest.clone())).is_ok(), "{member}");
        let longer = longest.to_string();
        let longer = match &longest {
            Value::String(text) => json!(format!("{text}x")),
            Value::Array(items) if items.len() > 1 => {
                let mut items = items.clone();
                items.push(if member == "labels" { json!("one more") } else { items[0].clone() });
                Value::Array(items)
            }
            _ => serde_json::from_str(&longer.replacen("xx", "xxx", 1)).unwrap(),
        };
        assert!(post(body(longer)).is_err(), "{member}");
    }
}

#[test]
fn dates_are_real_and_in_two_forms() {
    let birthday =
        |raw: &str| post(json!({"first_name": "A", "birthday": raw})).map(|it| it.birthday);
    for good in ["2024-02-29", "2026-11-22", "--02-29", "0001-01-02", " 1990-01-01 "] {
        assert_eq!(birthday(good).unwrap().map(|it| it.to_string()).as_deref(), Some(good.trim()));
    }
    for bad in [
        "2023-02-29",
        "2026-11-23",
        "1990-4-1",
        "+1990-04-1",
        "19900412",
        "0000-01-01",
        "990-04-12",
        "--2-1",
        "--02-30",
        "1604-05-01",
        "0001-01-01",
    ] {
        assert!(birthday(bad).is_err(), "{bad}");
    }
    assert_eq!(birthday("").unwrap(), None);
}

#[test]
fn what_a_clipboard_brings_is_taken() {
    let wanted = post(json!({
        "first_name": "\u{200b}Ann\u{202c}", "email": "Ann <ann@example.com>", "phone": "\u{202a}+49 ３０ 1234\u{202c}",
    }));
    let wanted = wanted.unwrap();
    assert_eq!(wanted.first_name.as_deref(), Some("Ann"));
    assert_eq!(values(&wanted.emails), [("ann@example.com", true)]);
    assert_eq!(values(&wanted.phones), [("+49 30 1234", true)]);
}

#[test]
fn what_was_read_can_be_sent_back() {
    let read = json!({
        "id": 7, "uid": "x", "first_name": "Ann", "display_name": "Ann", "photo": {"url": "x"},
        "created_at": "whenever", "updated_at": 1, "deleted_at": null, "email": null, "emails": [],
        "addresses": [{"label": null, "primary": true, "po_box": null, "extended": null, "street": null,
            "city": "Berlin", "region": null, "postal_code": null, "country": null}],
    });
    let wanted = post(read).unwrap();
    assert_eq!(wanted.addresses.len(), 1);
    assert_eq!(
        post(json!({"first_name": "A", "addresses": [{"label": "home"}]})).unwrap().addresses,
        []
    );
}

#[test]
fn in_a_file_an_odd_value_costs_nothing() {
    let input = Input::read(
        json!({"first_name": "A", "phone": "15", "birthday": "2062-01-01", "labels": ["x".repeat(60)], "new": 1}),
        Method::Post,
    );
    let (details, faults) = input.unwrap().apply_leniently(&Details::default(), latest());
    assert_eq!(values(&details.phones), [("15", true)]);
    assert_eq!(details.birthday.map(|it| it.to_string()).as_deref(), Some("2062-01-01"));
    assert_eq!(details.labels, ["x".repeat(60)]);
    assert_eq!(faults.list().len(), 4);
}
