use super::*;

fn row(name: &str, emails: &str, digits: &str) -> Traits {
    let members = format!("{}\n\n\"Ann\"", serde_json::json!(name));
    let list = |text: &str| text.replace(' ', &ITEM.to_string());
    Traits { id: 1, emails: list(emails), digits: list(digits), members, ..Traits::default() }
}

fn share(a: &Traits, b: &Traits) -> Vec<Reason> {
    let (a, b) = (hashes(a), hashes(b));
    a.keys.iter().filter(|key| b.keys.contains(key)).map(|(reason, _)| *reason).collect()
}

#[test]
fn numbers_count_from_their_end_and_names_without_accents() {
    let ann = row("Ann Élan", "a@x.org b@x.org", "49301234567");
    assert_eq!(share(&ann, &row("Bob", "b@x.org", "")), [Reason::Email]);
    assert_eq!(share(&ann, &row("Bob", "", "112 0301234567")), [Reason::Phone]);
    assert_eq!(share(&ann, &row("ann  elan", "", "")), [Reason::Name]);
    assert_eq!(share(&ann, &row("Bob", "c@x.org", "49311234567")), []);
    assert_eq!(share(&row("", "", "12"), &row("", "", "12")), [], "too short for a number");
}

#[test]
fn who_is_called_by_an_address_or_a_number_shares_no_name() {
    for (name, emails, digits) in [("a@x.org", "a@x.org", ""), ("+49 30 123", "", "4930123")] {
        let shared = share(&row(name, emails, digits), &row(name, emails, digits));
        assert!(shared.len() == 1 && shared[0] != Reason::Name, "{name}: {shared:?}");
    }
    let route = row("Route 66", "", "66 123");
    assert!(share(&route, &route).contains(&Reason::Name));
}

#[test]
fn a_line_that_is_cut_off_is_still_compared() {
    let cut = |end: &str| Traits { members: format!("\"Ann\"\n\n\"An{end}"), ..Traits::default() };
    assert_eq!(hashes(&cut("n")), hashes(&cut("n")));
    assert_ne!(hashes(&cut("n")), hashes(&cut("a")));
}

#[test]
fn a_value_that_is_cut_off_may_conflict() {
    let row = |lines: usize, cut: bool| {
        let members = vec!["\"A\""; lines].join("\n");
        hashes(&Traits { members, cut, ..Traits::default() }).conflict
    };
    // The name and nine single values, each with its line break.
    assert_eq!([row(3, true), row(10, true), row(11, true)], [true, true, false]);
    assert_eq!([row(3, false), row(30, false)], [false, false]);
}
