//! Rules 48 to 58: addressbook-query.

use crate::phone::{CARDDAV, NAMESPACES, Phone, ann, card};

fn text(name: &str, attributes: &str, wanted: &str) -> String {
    format!(
        "<C:filter><C:prop-filter name=\"{name}\"><C:text-match {attributes}>{wanted}</C:text-match></C:prop-filter></C:filter>"
    )
}

fn prop(name: &str, inside: &str) -> String {
    format!("<C:filter><C:prop-filter name=\"{name}\">{inside}</C:prop-filter></C:filter>")
}

fn people(phone: &Phone) {
    let cards = [
        (
            "a",
            "Jürgen Müller",
            &["TEL;TYPE=home:+49 1", "EMAIL:j@x.example", "BDAY:1984-02-29"][..],
        ),
        (
            "b",
            "Юрий",
            &[
                "item1.TEL;TYPE=WORK,voice;TYPE=pref:+49 2",
                "item1.X-ABLabel:boat",
                "CATEGORIES:one,two",
            ],
        ),
        (
            "c",
            "Charles",
            &["NOTE:a\\, b\\nc", "ADR;TYPE=home:;;Street 5;Oslo;;;", "ORG:Example;Research"],
        ),
    ];
    for (uid, name, lines) in cards {
        phone.put(uid, &card(uid, name, lines)).expect(201);
    }
}

#[test]
fn rule_48_no_matches_is_an_empty_answer() {
    let (_ground, _, phone) = ann();
    assert!(phone.query(&text("FN", "", "nobody")).is_empty());
    people(&phone);
    assert!(phone.query(&text("FN", "", "nobody")).is_empty());
}

#[test]
fn rule_49_without_a_filter_every_card_comes_at_any_depth() {
    let (_ground, _, phone) = ann();
    people(&phone);
    for filter in ["", "<C:filter/>", "<C:filter></C:filter>"] {
        for headers in [
            &[][..],
            &[("Depth", "0")],
            &[("Depth", "1")],
            &[("Depth", "10")],
            &[("Depth", "infinity")],
        ] {
            let answer = phone.query_with(headers, filter).expect(207).multi();
            assert_eq!(answer.responses.len(), 3, "{filter} {headers:?}");
        }
    }
    for (wanted, found) in [("müller", 1), ("charles", 0)] {
        let body = format!(
            "<C:addressbook-query {NAMESPACES}><D:prop><D:getetag/></D:prop>{}</C:addressbook-query>",
            text("FN", "", wanted)
        );
        let answer = phone.report(&phone.path("a"), &[("Depth", "0")], &body).expect(207).multi();
        assert_eq!(answer.responses.len(), found);
    }
}

#[test]
fn rule_50_one_property_is_enough_unless_all_are_asked_for() {
    let (_ground, _, phone) = ann();
    people(&phone);
    let two = "<C:prop-filter name=\"TEL\"/><C:prop-filter name=\"BDAY\"/>";
    assert_eq!(phone.query(&format!("<C:filter>{two}</C:filter>")), ["a", "b"]);
    assert_eq!(phone.query(&format!("<C:filter test=\"anyof\">{two}</C:filter>")), ["a", "b"]);
    assert_eq!(phone.query(&format!("<C:filter test=\"allof\">{two}</C:filter>")), ["a"]);
}

#[test]
fn rule_51_properties_are_there_or_not_and_all_means_one_instance() {
    let (_ground, _, phone) = ann();
    people(&phone);
    assert_eq!(phone.query(&prop("TEL", "")), ["a", "b"]);
    assert_eq!(phone.query(&prop("TEL", "<C:is-not-defined/>")), ["c"]);
    phone.put("d", &card("d", "D", &["TEL;TYPE=home:+49 7", "TEL;TYPE=work:+49 8"])).expect(201);
    let both = |test: &str, number: &str| {
        format!(
            "<C:filter><C:prop-filter name=\"TEL\" {test}><C:text-match>{number}</C:text-match>\
             <C:param-filter name=\"TYPE\"><C:text-match>home</C:text-match></C:param-filter></C:prop-filter></C:filter>"
        )
    };
    assert_eq!(phone.query(&both("test=\"allof\"", "+49 7")), ["d"]);
    assert!(phone.query(&both("test=\"allof\"", "+49 8")).is_empty());
    assert_eq!(phone.query(&both("", "+49 8")), ["a", "d"]);
}

#[test]
fn rule_52_names_ignore_case_and_groups() {
    let (_ground, _, phone) = ann();
    people(&phone);
    for name in ["TEL", "tel", "Tel"] {
        assert_eq!(phone.query(&prop(name, "")), ["a", "b"]);
    }
    assert_eq!(phone.query(&prop("item1.TEL", "")), ["b"]);
    assert!(phone.query(&prop("item2.TEL", "")).is_empty());
}

#[test]
fn rule_53_text_is_compared_as_people_read_it() {
    let (_ground, _, phone) = ann();
    people(&phone);
    for (name, attributes, wanted, found) in [
        ("FN", "", "MÜLLER", &["a"][..]),
        ("FN", "", "mu\u{308}ller", &["a"]),
        ("FN", "", "muller", &[]),
        ("FN", "", "юРИЙ", &["b"]),
        ("FN", "match-type=\"equals\"", "charles", &["c"]),
        ("FN", "match-type=\"equals\"", "charle", &[]),
        ("FN", "match-type=\"starts-with\"", "jür", &["a"]),
        ("FN", "match-type=\"ends-with\"", "LLER", &["a"]),
        ("NOTE", "match-type=\"equals\"", "a, b\nc", &["c"]),
        ("FN", "collation=\"i;ascii-casemap\"", "MÜLLER", &[]),
        ("FN", "collation=\"i;ascii-casemap\"", "MüLLER", &["a"]),
    ] {
        assert_eq!(
            phone.query(&text(name, attributes, wanted)),
            found,
            "{name} {attributes} {wanted}"
        );
    }
}

#[test]
fn rule_53_letters_without_a_capital_of_their_own_are_composed_or_not() {
    let (_ground, _, phone) = ann();
    for (uid, name) in
        [("a", "Ζα\u{390}μης"), ("b", "Ζαι\u{308}\u{301}μης"), ("c", "M\u{aa} Jos\u{e9}")]
    {
        phone.put(uid, &card(uid, name, &[])).expect(201);
    }
    for (wanted, found) in [
        ("ζα\u{390}μης", &["a", "b"][..]),
        ("ζαι\u{308}\u{301}ΜΗΣ", &["a", "b"]),
        ("M\u{aa} JOS\u{c9}", &["c"]),
        ("ma jose\u{301}", &["c"]),
    ] {
        let equals = "match-type=\"equals\"";
        assert_eq!(phone.query(&text("FN", equals, wanted)), found, "{wanted}");
    }
}

#[test]
fn rule_54_a_negated_match_wants_an_instance() {
    let (_ground, _, phone) = ann();
    people(&phone);
    assert_eq!(phone.query(&text("EMAIL", "negate-condition=\"yes\"", "nobody")), ["a"]);
    assert!(phone.query(&text("EMAIL", "negate-condition=\"yes\"", "x.example")).is_empty());
}

#[test]
fn rule_55_unknown_collations_are_refused() {
    let (_ground, _, phone) = ann();
    people(&phone);
    for name in ["i;unknown", "i;*", "*"] {
        let filter = text("FN", &format!("collation=\"{name}\""), "x");
        phone.query_with(&[], &filter).expect_error(403, CARDDAV, "supported-collation");
    }
    assert_eq!(phone.query(&text("FN", "collation=\"default\"", "MÜLLER")), ["a"]);
}

#[test]
fn rule_56_parameters_are_tested_value_by_value() {
    let (_ground, _, phone) = ann();
    people(&phone);
    let param = |inside: &str| prop("TEL", &format!("<C:param-filter {inside}</C:param-filter>"));
    let equals = |value: &str| {
        param(&format!("name=\"TYPE\"><C:text-match match-type=\"equals\">{value}</C:text-match>"))
    };
    assert_eq!(phone.query(&param("name=\"TYPE\">")), ["a", "b"]);
    for (value, found) in [("home", "a"), ("work", "b"), ("VOICE", "b"), ("pref", "b")] {
        assert_eq!(phone.query(&equals(value)), [found], "{value}");
    }
    assert!(phone.query(&param("name=\"X-NO\">")).is_empty());
    assert!(phone.query(&param("name=\"X-NO\"><C:text-match>x</C:text-match>")).is_empty());
    assert_eq!(phone.query(&param("name=\"X-NO\"><C:is-not-defined/>")), ["a", "b"]);
}

#[test]
fn rule_57_every_name_may_be_asked_for() {
    let (_ground, _, phone) = ann();
    people(&phone);
    for (name, wanted, found) in [
        ("N", "müller", &["a"][..]),
        ("ADR", "oslo", &["c"]),
        ("ORG", "research", &["c"]),
        ("CATEGORIES", "two", &["b"]),
        ("BDAY", "1984", &["a"]),
        ("PHOTO", "x", &[]),
        ("X-ABLabel", "boat", &["b"]),
        ("X-NONE", "x", &[]),
        ("", "x", &[]),
        ("UID", "c", &["c"]),
    ] {
        let got = phone.query_with(&[], &text(name, "", wanted));
        if name.is_empty() {
            got.expect(400);
            continue;
        }
        let found: Vec<_> = found.iter().map(|it| phone.path(it)).collect();
        assert_eq!(got.expect(207).multi().hrefs(), found, "{name}");
    }
}

#[test]
fn rule_58_a_limit_is_kept_and_said() {
    let (_ground, _, phone) = ann();
    people(&phone);
    let limited = |n: &str| format!("<C:filter/><C:limit><C:nresults>{n}</C:nresults></C:limit>");
    let answer = phone.query_with(&[], &limited("2")).expect(207).multi();
    let book = answer.of(&phone.book());
    assert_eq!(book.status.as_deref(), Some("HTTP/1.1 507 Insufficient Storage"));
    assert_eq!(book.error.as_deref(), Some("number-of-matches-within-limits"));
    assert_eq!(answer.responses.len(), 3);
    for n in ["3", "4"] {
        let answer = phone.query_with(&[], &limited(n)).expect(207).multi();
        assert_eq!(answer.responses.len(), 3);
        assert!(answer.responses.iter().all(|it| it.status.is_none()));
    }
    for wrong in ["x", "-1", "1.5", ""] {
        phone.query_with(&[], &limited(wrong)).expect(400);
    }
}
