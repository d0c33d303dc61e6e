//! Birthdays of the next days. The world's clock stands at noon of 22 November 2026.

use crate::world::{Actor, World};
use serde_json::json;

fn born(who: &Actor, name: &str, birthday: &str) {
    let contact = json!({"first_name": name, "birthday": birthday});
    who.post("/api/contacts", contact).expect(201);
}

/// Name, next birthday, days until then, age reached.
fn next(who: &Actor, query: &str) -> Vec<(String, String, i64, i64)> {
    let list = who.get(&format!("/api/contacts/birthdays?{query}")).expect(200).json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    list.as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let (days, turns) = (it["days_until"].as_i64(), it["turns"].as_i64());
            (text(&it["first_name"]), text(&it["next_birthday"]), days.unwrap(), turns.unwrap())
        })
        .collect()
}

fn names(who: &Actor, query: &str) -> Vec<String> {
    next(who, query).into_iter().map(|(name, ..)| name).collect()
}

#[test]
fn seven_days_from_today_both_ends_included() {
    let world = World::new();
    let ann = world.user("ann");
    born(&ann, "yesterday", "1990-11-21");
    born(&ann, "last", "1990-11-29");
    born(&ann, "too late", "1990-11-30");
    born(&ann, "today", "1990-11-22");
    born(&ann, "newborn", "2026-11-22");
    ann.post("/api/contacts", json!({"first_name": "unknown"})).expect(201);
    let expected = [
        ("newborn".to_owned(), "2026-11-22".to_owned(), 0, 0),
        ("today".to_owned(), "2026-11-22".to_owned(), 0, 36),
        ("last".to_owned(), "2026-11-29".to_owned(), 7, 36),
    ];
    assert_eq!(next(&ann, ""), expected);
    assert_eq!(names(&ann, "days=0"), ["newborn", "today"]);
    assert_eq!(names(&ann, "days=366").len(), 5);
    let whole = ann.get("/api/contacts/birthdays").json();
    assert_eq!(whole[0].as_object().unwrap().len(), 30);
}

#[test]
fn the_year_s_end_makes_no_difference() {
    let world = World::new();
    let ann = world.user("ann");
    for (name, day) in
        [("a", "2000-12-30"), ("b", "2000-12-31"), ("c", "2000-01-01"), ("d", "2000-01-05")]
    {
        born(&ann, name, day);
    }
    assert_eq!(names(&ann, "from=2026-12-30&days=7"), ["a", "b", "c", "d"]);
    assert_eq!(names(&ann, "from=2026-12-31&days=1"), ["b", "c"]);
    assert_eq!(
        next(&ann, "from=2026-12-31&days=1")[1],
        ("c".to_owned(), "2027-01-01".to_owned(), 1, 27)
    );
    assert_eq!(names(&ann, "from=2027-01-01&days=4"), ["c", "d"]);
}

#[test]
fn the_29th_of_february_is_kept_on_the_28th_in_common_years() {
    let world = World::new();
    let ann = world.user("ann");
    born(&ann, "leap", "2000-02-29");
    born(&ann, "eve", "2001-02-28");
    born(&ann, "march", "2001-03-01");
    assert_eq!(names(&ann, "from=2027-02-28&days=0"), ["eve", "leap"]);
    assert_eq!(names(&ann, "from=2027-02-28&days=1"), ["eve", "leap", "march"]);
    assert_eq!(names(&ann, "from=2027-03-01&days=0"), ["march"]);
    assert_eq!(names(&ann, "from=2028-02-28&days=0"), ["eve"]);
    assert_eq!(names(&ann, "from=2028-02-29&days=0"), ["leap"]);
    assert_eq!(next(&ann, "from=2028-02-29&days=0")[0].3, 28);
    // 2100 is no leap year.
    assert_eq!(names(&ann, "from=2100-02-28&days=0"), ["eve", "leap"]);
}

#[test]
fn in_366_days_each_comes_once_and_nobody_before_birth() {
    let world = World::new();
    let ann = world.user("ann");
    born(&ann, "today", "1990-11-22");
    born(&ann, "leap", "2000-02-29");
    born(&ann, "child", "2026-11-20");
    let all = next(&ann, "days=366");
    assert_eq!(all.len(), 3);
    assert_eq!(all[0], ("today".to_owned(), "2026-11-22".to_owned(), 0, 36));
    // In the year of birth the day itself is the first one.
    assert_eq!(
        next(&ann, "from=2026-01-01&days=366")[1],
        ("child".to_owned(), "2026-11-20".to_owned(), 323, 0)
    );
    assert_eq!(names(&ann, "from=2025-01-01&days=366"), ["leap", "today"]);
    assert!(names(&ann, "from=1900-01-01&days=366").is_empty());
}

/// A day that the window holds twice counts the second time for who was born in between.
#[test]
fn a_first_birthday_a_year_and_a_day_from_now_comes_last() {
    let world = World::new();
    let ann = world.user("ann");
    born(&ann, "child", "2021-03-01");
    born(&ann, "leap child", "2020-02-29");
    born(&ann, "parent", "1990-06-01");
    assert_eq!(names(&ann, "from=2020-02-29&days=366"), ["leap child", "parent", "child"]);
    assert_eq!(names(&ann, "from=2020-03-01&days=365"), ["parent", "leap child", "child"]);
    assert_eq!(names(&ann, "from=2019-02-28&days=366"), ["parent", "leap child"]);
    // This one begins and ends in years of which it has one day.
    born(&ann, "new year's child", "2020-01-01");
    assert_eq!(names(&ann, "from=2018-12-31&days=366"), ["parent", "new year's child"]);
}

#[test]
fn today_is_what_the_clock_says_there() {
    let world = World::new();
    let ann = world.user("ann");
    born(&ann, "22nd", "1990-11-22");
    born(&ann, "23rd", "1990-11-23");
    assert_eq!(names(&ann, "days=0"), ["22nd"]);
    assert_eq!(names(&ann, "days=0&tz=Pacific/Kiritimati"), ["23rd"]);
    assert_eq!(names(&ann, "days=0&tz=Europe/Kyiv"), ["22nd"]);
    assert_eq!(names(&ann, "days=0&tz=Europe/Kyiv&from=2026-11-23"), ["23rd"]);
    for wrong in ["tz=Mars", "tz=%2B02:00", "tz=europe%00"] {
        ann.get(&format!("/api/contacts/birthdays?{wrong}")).expect_faults(&["tz"]);
    }
    ann.get("/api/contacts/birthdays?days=367&from=2026-2-30&tz=x")
        .expect_faults(&["days", "from", "tz"]);
    for far in ["from=9999-12-31&days=366", "from=0001-01-01&days=366"] {
        ann.get(&format!("/api/contacts/birthdays?{far}")).expect(200);
    }
}

#[test]
fn on_one_day_they_stand_by_name_and_the_trash_is_not_among_them() {
    let world = World::new();
    let ann = world.user("ann");
    for name in ["b", "Ä", "c"] {
        born(&ann, name, "1990-11-25");
    }
    assert_eq!(names(&ann, ""), ["Ä", "b", "c"]);
    let gone = ann.get("/api/contacts?search=b").json()[0]["id"].to_string();
    ann.delete(&format!("/api/contacts/{gone}")).expect(204);
    assert_eq!(names(&ann, ""), ["Ä", "c"]);
}
