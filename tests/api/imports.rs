//! Files in.

use crate::world::{Actor, Answer, World, served};
use contactd::model::text::percent_encoded;
use serde_json::{Value, json};

const IMPORT: &str = "/api/contacts/import";

fn import(who: &Actor, content_type: &str, file: impl AsRef<[u8]>) -> Answer {
    who.send("POST", IMPORT, &[("Content-Type", content_type)], file.as_ref())
}

fn card(uid: &str, first: &str) -> String {
    format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nN:;{first};;;\r\nEND:VCARD\r\n")
}

fn counts(answer: &Answer) -> (Value, Value, usize) {
    let json = answer.json();
    let errors = json["errors"].as_array().unwrap().len();
    (json["created"].clone(), json["skipped_duplicates"].clone(), errors)
}

#[test]
fn what_was_exported_in_any_format_adds_nothing_and_brings_everything_to_somebody_else() {
    let world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let full = json!({
        "first_name": "=Zoë", "last_name": "O'Brien, Jr; \\ \"x\"", "email": "zoe@example.com",
        "phone": "+380 44 123-45-67", "birthday": "1990-02-28",
        "additional_data": "one\r\ntwo\tthree\n\n-four, \"five\"; six\\n",
        "labels": [
            "Сім'я", "a;b", "c,d", ":::", "x:::y", "ends :::", "::: begins", "in ::: it", "\\:::", "\\\\::::",
            "* family", "\\* family", "* mine",
        ],
    });
    ann.post("/api/contacts", full.clone()).expect(201);
    ann.post("/api/contacts", json!({"first_name": "Їжак"})).expect(201);
    ann.post("/api/contacts", json!({"first_name": "-1+1", "phone": "+1 555"})).expect(201);
    for (format, content_type) in
        [("vcard", "text/vcard"), ("csv", "text/csv"), ("json", "application/json")]
    {
        let file = ann.get(&format!("/api/contacts/export?format={format}")).expect(200);
        assert!(file.header("Content-Type").starts_with(content_type));
        let again = import(&ann, content_type, &file.body).expect(200);
        assert_eq!(counts(&again), (json!(0), json!(3), 0), "{format}: {}", again.text());
        let carl = world.user(&format!("carl-{format}"));
        let there = import(&carl, content_type, &file.body).expect(200);
        assert_eq!(counts(&there), (json!(3), json!(0), 0), "{format}: {}", there.text());
        let there = carl.get("/api/contacts?search=zoe").expect(200).json();
        for (name, value) in full.as_object().unwrap() {
            let normal = |value: &Value| value.to_string().replace("\\r\\n", "\\n");
            assert_eq!(normal(&there[0][name]), normal(value), "{format}: {name}");
        }
    }
    assert_eq!(bob.get("/api/contacts").expect(200).json(), json!([]));
}

#[test]
fn a_card_is_known_by_its_uid_or_by_all_that_it_says() {
    let world = World::new();
    let ann = world.user("ann");
    let file =
        [card("1", "Ann"), card("2", "Bob"), card("1", "Rob"), card("3", "Bob"), card("1", "Ann")];
    let file = file.concat();
    let answer = import(&ann, "text/vcard", &file).expect(200);
    // Two uids are two people, however alike; one uid with two names is two as well.
    assert_eq!(counts(&answer), (json!(4), json!(1), 0));
    assert_eq!(answer.json()["warnings"][0]["line"], 11);
    assert_eq!(counts(&import(&ann, "text/vcard", &file).expect(200)), (json!(0), json!(5), 0));
}

#[test]
fn bad_rows_have_their_line_and_do_not_stop_the_others() {
    let world = World::new();
    let ann = world.user("ann");
    let file = "First Name,E-mail 1 - Value,Birthday\r\nAnn,ann@example.com,\r\n\
        Bob,nobody,\r\n\"Carl\r\nof two lines\",,\r\n,x@example.com,\r\nDora,,2999-01-01\r\nEve,,\r\n";
    let answer = import(&ann, "text/csv; charset=windows-1251", file).expect(200).json();
    // An odd value costs nobody.
    assert_eq!((&answer["created"], &answer["errors"]), (&json!(6), &json!([])));
    let lines: Vec<_> = answer["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [3], "{answer}");
    assert!(answer["warnings"][0]["detail"].as_str().unwrap().starts_with("email"));
    let json = r#"[
{"first_name": "Fritz"},
{"first_name": "", "nick": 1}, 7]"#;
    let answer = import(&ann, "application/json", json).expect(200).json();
    assert_eq!((&answer["created"], &answer["errors"][0]["line"]), (&json!(1), &json!(3)));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 2);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "7");
}

#[test]
fn a_broken_file_changes_nothing() {
    let world = World::new();
    let ann = world.user("ann");
    ann.post("/api/contacts", json!({"first_name": "Here"})).expect(201);
    let before: i64 = world.sql("SELECT sum(revision)::bigint FROM address_books");
    for (content_type, file, status) in [
        ("application/json", r#"[{"first_name": "a"}, {"first_name": "b"}"#, 400),
        ("application/json", "", 400),
        ("application/json", "{}", 400),
        ("text/vcard", "this is no card", 400),
        ("text/csv", "no,names,here\n1,2,3\n", 400),
        ("text/html", "BEGIN:VCARD", 415),
        ("application/json; charset=utf-16", "[]", 415),
        ("", "BEGIN:VCARD", 415),
    ] {
        import(&ann, content_type, file).expect(status);
    }
    let headers = [("Content-Type", "text/vcard"), ("Content-Encoding", "gzip")];
    ann.send("POST", IMPORT, &headers, card("1", "x").as_bytes()).expect(415);
    let headers = [("Content-Type", "text/vcard")];
    for flag in ["dry_run=perhaps", "dry_run", "dry_run=", "dry_run=%20"] {
        let path = format!("{IMPORT}?{flag}");
        ann.send("POST", &path, &headers, card("1", "x").as_bytes()).expect_faults(&["dry_run"]);
    }
    for empty in ["text/vcard", "text/csv"] {
        assert_eq!(counts(&import(&ann, empty, "").expect(200)), (json!(0), json!(0), 0));
    }
    assert_eq!(world.sql::<i64>("SELECT sum(revision)::bigint FROM address_books"), before);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "1");
    world.nobody().send("POST", IMPORT, &headers, card("1", "x").as_bytes()).expect(401);
    ann.get(IMPORT).expect(405);
}

#[test]
fn a_rehearsal_tells_what_would_be_and_changes_nothing() {
    let world = World::new();
    let ann = world.user("ann");
    // More than one batch, with what is twice in it far apart.
    let all = (0..1_500).map(|number| card(&format!("u{number}"), &format!("n{number}")));
    let file = all.collect::<String>() + &card("u3", "z") + &card("v", "n4");
    let path = format!("{IMPORT}?dry_run=true");
    let headers = [("Content-Type", "text/vcard")];
    let report = ann.send("POST", &path, &headers, file.as_bytes()).expect(200);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "0");
    assert_eq!(world.sql::<i64>("SELECT sum(revision)::bigint FROM address_books"), 0);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM contacts"), 0);
    let path = format!("{IMPORT}?dry_run=false");
    let done = ann.send("POST", &path, &headers, file.as_bytes()).expect(200);
    assert_eq!(report.json(), done.json());
    assert_eq!(counts(&done), (json!(1_502), json!(0), 0));
    let created = done.json()["created"].as_i64().unwrap();
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), created.to_string());
    assert_eq!(world.sql::<i64>("SELECT count(DISTINCT revision) FROM contacts"), created);
    assert_eq!(world.sql::<i64>("SELECT max(revision) FROM contacts"), created);
    assert_eq!(world.sql::<i64>("SELECT sum(revision)::bigint FROM address_books"), created);
    // Revisions go on from there.
    let next = ann.post("/api/contacts", json!({"first_name": "next"})).expect(201);
    assert_eq!(next.header("ETag"), format!("\"{}\"", created + 1));
}

#[test]
fn fifty_megabytes_and_not_a_byte_more_and_a_hundred_thousand_rows() {
    let world = World::new();
    let ann = world.user("ann");
    let max = 50 * 1024 * 1024;
    let mut file = card("1", "Ann").into_bytes();
    file.resize(max, b'\n');
    assert_eq!(import(&ann, "text/vcard", &file).expect(200).json()["created"], 1);
    file.push(b'\n');
    import(&ann, "text/vcard", &file).expect(413);
    let rows = format!("First Name\n{}", "x\n".repeat(100_001));
    import(&ann, "text/csv", rows).expect_faults(&["body"]);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "1");
}

#[test]
fn uids_and_names_with_every_kind_of_character() {
    let world = World::new();
    let ann = world.user("ann");
    let file = "BEGIN:VCARD\nVERSION:3.0\nUID:a\0b\nN:;A\0nn\nNOTE:x\0\u{1f}y\\nz\nX-A;P=\0:\0\u{1d}\nEND:VCARD\n\
        BEGIN:VCARD\nVERSION:3.0\nUID:\nN:;Empty\nEND:VCARD\n\
        BEGIN:VCARD\nVERSION:3.0\nUID:\nN:;Empty too\nEND:VCARD\n";
    let answer = import(&ann, "text/vcard", file).expect(200);
    assert_eq!(counts(&answer), (json!(3), json!(0), 0), "{}", answer.text());
    let rows = "First Name,Notes,X\0Y\na\0,\"b\0c\",d\0\n";
    import(&ann, "text/csv", rows).expect(200);
    let json = r#"[{"first_name": "j\u0000"}]"#;
    let answer = import(&ann, "application/json", json).expect(200);
    assert_eq!(
        (counts(&answer), &answer.json()["warnings"][0]["line"]),
        ((json!(1), json!(0), 0), &json!(1))
    );
    assert!(!ann.get("/api/contacts/export").expect(200).text().contains('\0'));
}

#[test]
fn two_imports_at_once_wait_for_each_other_and_add_everything_once() {
    let world = World::new();
    let ann = world.user("ann");
    let file: String =
        (0..300).map(|number| card(&format!("u{number}"), &format!("n{number}"))).collect();
    let created: i64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| served(|| import(&ann, "text/vcard", &file)).expect(200).json())
            })
            .collect();
        threads.into_iter().map(|it| it.join().unwrap()["created"].as_i64().unwrap()).sum()
    });
    assert_eq!(created, 300);
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "300");
}

/// Files of one kind of contact each, and what a contact of it may add to the database at most, in bytes.
fn kinds() -> Vec<(&'static str, i64, &'static str, String)> {
    let cards = |count: usize, card: &dyn Fn(usize) -> String| -> String {
        (0..count)
            .map(|n| format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{}END:VCARD\r\n", card(n)))
            .collect()
    };
    let rows =
        |count: usize, row: &dyn Fn(usize) -> String| -> String { (0..count).map(row).collect() };
    let words = |n: usize, count: usize| -> String {
        (0..count).map(|at| format!("w{} ", (n * 31 + at * 7_919) % 5_003)).collect()
    };
    let phone = |n: usize| {
        format!(
            "FN:Ivan Shevchenko{n}\r\nN:Shevchenko{n};Ivan;Q;Dr.;\r\n\
            TEL;TYPE=CELL:+380 44 {n:07}\r\nTEL;TYPE=HOME:+380 45 {n:07}\r\n\
            EMAIL;TYPE=INTERNET:person{n}@example.com\r\nBDAY:1990-04-12\r\n\
            ADR;TYPE=HOME:;;Main St {n};Kyiv;;01001;Ukraine\r\nNOTE:Met in Kyiv\r\n"
        )
    };
    let headers: String = (0..30).map(|at| format!(",{}{at}", "header ".repeat(14))).collect();
    vec![
        ("of a phone", 1_550, "text/vcard", cards(2_000, &phone)),
        ("of a name", 620, "text/vcard", cards(2_000, &|n| format!("FN:A{n}\r\n"))),
        (
            "of a name and a number",
            800,
            "text/vcard",
            cards(2_000, &|n| {
                format!("N:Koval{n};Olha;;;\r\nFN:Olha Koval{n}\r\nTEL:+38067{n:07}\r\n")
            }),
        ),
        (
            "with long notes",
            8_000,
            "text/vcard",
            cards(300, &|n| format!("FN:A{n}\r\nNOTE:{}\r\n", words(n, 600))),
        ),
        (
            "with twenty numbers",
            2_600,
            "text/vcard",
            cards(500, &|n| {
                let lines = rows(20, &|at| format!("TEL;TYPE=CELL:+38067{:07}\r\n", n * 20 + at));
                format!("FN:A{n}\r\n{lines}")
            }),
        ),
        (
            "with forty labels",
            2_900,
            "text/vcard",
            cards(500, &|n| {
                let labels: Vec<_> =
                    (0..40).map(|at| format!("label {}", (n * 7 + at * 13) % 1_000)).collect();
                format!("FN:A{n}\r\nCATEGORIES:{}\r\n", labels.join(","))
            }),
        ),
        (
            "in a table",
            900,
            "text/csv",
            "First Name,Last Name,E-mail 1 - Value,Phone 1 - Value\n".to_owned()
                + &rows(2_000, &|n| format!("Ivan,Petrenko{n},p{n}@example.com,+38067{n:07}\n")),
        ),
        (
            "under long headers",
            780,
            "text/csv",
            format!("First Name{headers}\n")
                + &rows(1_000, &|n| format!("P{n}{}\n", ",x".repeat(30))),
        ),
        (
            "in JSON",
            980,
            "application/json",
            format!(
                "[{}{{\"first_name\": \"last\"}}]",
                rows(2_000, &|n| format!(
                    "{{\"first_name\":\"Ivan\",\"last_name\":\"Petrenko{n}\",\"email\":\"p{n}@example.com\",\
                    \"phone\":\"+38067{n:07}\"}},\n"
                ))
            ),
        ),
    ]
}

/// Cards, columns and indexes. Four times the file and 100 bytes a contact is the goal of the contract;
/// what a row and five indexes take of small contacts is more than that.
#[test]
fn the_database_grows_by_a_few_times_the_file() {
    let world = World::new();
    // Rows and indexes without the maps that autovacuum makes beside them, at a time of its own.
    let size = "SELECT sum(pg_relation_size(c.oid) + pg_indexes_size(c.oid) + CASE c.reltoastrelid WHEN 0 THEN 0
        ELSE pg_relation_size(c.reltoastrelid) + pg_indexes_size(c.reltoastrelid) END)::bigint FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'";
    for (at, (kind, most, media_type, file)) in kinds().into_iter().enumerate() {
        let ann = world.user(&format!("ann{at}"));
        let before: i64 = world.sql(size);
        let path = format!("{IMPORT}?dry_run=true");
        ann.send("POST", &path, &[("Content-Type", media_type)], file.as_bytes()).expect(200);
        assert_eq!(world.sql::<i64>(size), before, "a dry run writes nothing");
        let created =
            import(&ann, media_type, &file).expect(200).json()["created"].as_i64().unwrap();
        let (grown, length) = (world.sql::<i64>(size) - before, file.len() as i64);
        println!(
            "{kind}: {} bytes a contact in the file, {} in the database, {:.2} of the goal",
            length / created,
            grown / created,
            grown as f64 / (4 * length + 100 * created) as f64
        );
        assert!(grown <= most * created, "{kind}: {grown} bytes for {created} contacts");
    }
}

#[test]
fn a_list_of_people_whose_name_can_be_no_label_gives_none_and_takes_no_memory() {
    let world = World::new();
    let ann = world.user("ann");
    let list = |name: &str| {
        let members: String = (0..2_000).map(|at| format!("MEMBER:urn:uuid:u{at}\r\n")).collect();
        format!("BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:group\r\nFN:{name}\r\n{members}END:VCARD\r\n")
    };
    // A name kept for each of them would be 2 GB.
    let file = format!("{}{}{}", list(&"n".repeat(900_000)), list("Choir"), card("u7", "Bob"));
    let answer = import(&ann, "text/vcard", file).expect(200).json();
    assert_eq!(answer["warnings"][0]["line"], json!(1), "{answer}");
    let bob = ann.get("/api/contacts").expect(200).json();
    assert_eq!(bob[0]["labels"], json!(["Choir"]), "{bob}");
}

#[test]
fn a_name_cut_inside_a_character_costs_nobody_of_a_json_file() {
    let world = World::new();
    let ann = world.user("ann");
    let file = r#"[{"first_name": "Zoe \ud83d"},
        {"first_name": "Bob", "additional_data": "smile \ud83d\ude00"}]"#;
    let answer = import(&ann, "application/json", file).expect(200).json();
    assert_eq!((&answer["created"], &answer["errors"]), (&json!(2), &json!([])), "{answer}");
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(answer["warnings"][0]["line"], 1);
    let both = ann.get("/api/contacts").expect(200).json();
    assert_eq!(both[0]["additional_data"], "smile 😀");
    assert_eq!(both[1]["first_name"], "Zoe \u{fffd}");
    let again = import(&ann, "application/json", file).expect(200).json();
    assert_eq!(again["skipped_duplicates"], 2, "{again}");
}

#[test]
fn an_import_that_is_sent_again_finds_what_it_made_its_label_too() {
    let world = World::new();
    let ann = world.user("ann");
    let send = |query: &str, kind: &str, file: &str| {
        let path = format!("{IMPORT}?label=brought{query}");
        ann.send("POST", &path, &[("Content-Type", kind)], file.as_bytes()).expect(200).json()
    };
    let labelled = || ann.get("/api/contacts?label=brought").header("X-Total-Count").to_owned();
    let cards = card("one", "Ada") + &card("two", "Grace");
    let people = json!([{"first_name": "Bob", "uid": "three", "labels": ["choir"]}]).to_string();
    for (kind, file, total) in
        [("text/vcard", cards.as_str(), "2"), ("application/json", &people, "3")]
    {
        send("", kind, file);
        let before = ann.get("/api/contacts").json();
        for query in ["", "&existing=update", "&existing=add"] {
            let again = send(query, kind, file);
            assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(0)), "{query}");
            assert_eq!(again["warnings"], json!([]), "{query}");
            assert_eq!(labelled(), total, "{kind}{query}");
        }
        assert_eq!(ann.get("/api/contacts").json(), before, "nothing has changed");
    }
    // A newer file changes what it says, and leaves the label of the one before.
    let newer = card("one", "Augusta");
    assert_eq!(send("&existing=update", "text/vcard", &newer)["updated"], 1);
    assert_eq!(
        (ann.get("/api/contacts?first_name=Augusta").json()[0]["labels"].clone(), &*labelled()),
        (json!(["brought"]), "3")
    );
    // Which the same file twice under one uid does not make two of.
    let twice = card("one", "Ada") + &card("one", "Ada");
    assert_eq!(send("&existing=add", "text/vcard", &twice)["created"], 1);
}

#[test]
fn what_a_json_export_does_not_show_stays_when_it_comes_back() {
    let world = World::new();
    let ann = world.user("ann");
    let picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg==";
    let whole = format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:one\r\nN:;Ada;;;\r\nFN:Ada\r\nROLE:Poet\r\nX-EYES:grey\r\n\
         TEL;TYPE=CELL;X-SIM=2:+44 20 7946 0000\r\nPHOTO;ENCODING=b;TYPE=PNG:{picture}\r\nEND:VCARD\r\n"
    );
    import(&ann, "text/vcard", whole).expect(200);
    let kept = |who: &Actor| {
        let text = who.get("/api/contacts/export").expect(200).text().replace("\r\n ", "");
        ["ROLE:Poet", "X-EYES:grey", "X-SIM=2", picture].map(|it| text.matches(it).count())
    };
    assert_eq!(kept(&ann), [1, 1, 1, 1]);
    let mut file = ann.get("/api/contacts/export?format=json").expect(200).json();
    let update = format!("{IMPORT}?existing=update");
    let send = |path: &str, file: &Value| {
        let headers = [("Content-Type", "application/json")];
        ann.send("POST", path, &headers, file.to_string().as_bytes()).expect(200).json()
    };
    for path in [IMPORT, &update] {
        let same = send(path, &file);
        assert_eq!(
            (&same["updated"], &same["skipped_duplicates"]),
            (&json!(0), &json!(1)),
            "{same}"
        );
        assert_eq!(same["warnings"], json!([]), "it says nothing else");
    }
    file[0]["job_title"] = json!("Countess");
    file[0]["shoe"] = json!("38");
    let edited = send(&update, &file);
    assert_eq!((&edited["updated"], &edited["errors"]), (&json!(1), &json!([])), "{edited}");
    let shown = ann.get("/api/contacts").expect(200).json()[0].clone();
    assert_eq!((&shown["job_title"], shown["photo"].is_null()), (&json!("Countess"), false));
    assert_eq!(kept(&ann), [1, 1, 1, 1]);
    assert!(ann.get("/api/contacts/export").text().contains(":38\r\n"), "what the file has beside");
    // As by PUT: what it does not say, or says empty, goes.
    file[0].as_object_mut().unwrap().retain(|name, _| name == "uid" || name == "display_name");
    send(&update, &file);
    let shown = ann.get("/api/contacts").expect(200).json()[0].clone();
    assert_eq!((&shown["job_title"], &shown["phones"]), (&Value::Null, &json!([])));
}

#[test]
fn a_corrected_spelling_or_another_picture_is_other_contents() {
    let world = World::new();
    let ann = world.user("ann");
    let pictures = ["iVBORw0KGgoAAAANSUhEUgAAAAE=", "iVBORw0KGgoAAAANSUhEUgAAAAI="];
    let with = |name: &str, label: &str, picture: &str| {
        let lines = format!("CATEGORIES:{label}\r\nPHOTO;ENCODING=b;TYPE=PNG:{picture}\r\nEND");
        card("one", name).replace("END", &lines)
    };
    let first = with("Muller", "choir", pictures[0]);
    import(&ann, "text/vcard", &first).expect(200);
    let update = |file: &str| {
        let headers = [("Content-Type", "text/vcard")];
        let path = format!("{IMPORT}?existing=update");
        ann.send("POST", &path, &headers, file.as_bytes()).expect(200).json()["updated"].clone()
    };
    let spelt = with("Müller", "choir", pictures[0]);
    let kept = import(&ann, "text/vcard", &spelt).expect(200).json();
    assert_eq!(kept["warnings"][0]["detail"], "uid: a contact with other contents has it; skipped");
    assert_eq!(update(&spelt), 1);
    assert_eq!(ann.get("/api/contacts").json()[0]["first_name"], "Müller");
    let pictured = with("Müller", "choir", pictures[1]);
    assert_eq!(update(&pictured), 1);
    assert!(ann.get("/api/contacts/export").text().contains(pictures[1]));
    // Labels are a set ignoring case.
    assert_eq!(
        (update(&pictured), update(&with("Müller", "Choir", pictures[1]))),
        (json!(0), json!(0))
    );
}

#[test]
fn a_card_that_is_too_long_only_with_what_the_import_gives_it_costs_nobody_else() {
    let world = World::new();
    let ann = world.user("ann");
    let long = |head: &str, spare: usize| {
        let begin = format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{head}N:;Long;;;\r\nFN:Long\r\n");
        let room = 1024 * 1024 - spare - begin.len() - "END:VCARD\r\n".len();
        let line = |octets: usize| format!("X-A:{}\r\n", "a".repeat(octets - 6));
        let (lines, rest) = (room / 70 - 1, room % 70 + 70);
        begin + &line(70).repeat(lines) + &line(rest / 2) + &line(rest - rest / 2) + "END:VCARD\r\n"
    };
    // Without a label it can be, without a uid not.
    let none = json!(null);
    for (head, spare, created, error) in
        [("", 0, 1, json!(1)), ("", 45, 2, none.clone()), ("UID:long\r\n", 0, 2, none)]
    {
        let file = long(head, spare) + &card("short", "Short");
        let path = format!("{IMPORT}?label=brought");
        let answer = ann.send("POST", &path, &[("Content-Type", "text/vcard")], file.as_bytes());
        let answer = answer.expect(200).json();
        assert_eq!(
            (&answer["created"], &answer["errors"][0]["line"]),
            (&json!(created), &error),
            "{answer}"
        );
        assert!(
            answer["warnings"].to_string().contains("would make the card too long"),
            "{answer}"
        );
        assert!(ann.get("/api/contacts?first_name=short&label=brought").json()[0].is_object());
        ann.post("/api/contacts/rewind", json!({"to": answer["undo"]})).expect(200);
    }
    // Nor does it where a contact is there that has the label.
    import(&ann, "text/vcard", card("long", "Long").replace("END", "CATEGORIES:brought\r\nEND"))
        .expect(200);
    let path = format!("{IMPORT}?label=brought&existing=update");
    let full = long("UID:long\r\n", 0);
    let answer = ann.send("POST", &path, &[("Content-Type", "text/vcard")], full.as_bytes());
    let answer = answer.expect(200).json();
    assert_eq!((&answer["updated"], &answer["errors"]), (&json!(1), &json!([])), "{answer}");
}

#[test]
fn the_export_of_an_account_brings_whole_cards_to_another_one() {
    let world = World::new();
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    // With the picture the element is longer than any other contact may be.
    let picture = "A".repeat(1_200_000);
    let with = |lines: &str| card("one", "Ada").replace("END", &format!("{lines}END"));
    let whole = with("X-EYES:grey\r\n") + &card("two", "Bob");
    import(&ann, "text/vcard", whole).expect(200);
    let path = format!("/dav/addressbooks/{}/contacts/three.vcf", ann.id);
    let long = format!("FN:Cy\r\nPHOTO;ENCODING=b;TYPE=JPEG:/9j/{picture}\r\nEND");
    let long = card("three", "Cy").replace("END", &long);
    let phone = ann.with_basic("ann", &ann.app_password("write"));
    phone.send("PUT", &path, &[("Content-Type", "text/vcard")], long.as_bytes()).expect(201);
    let mut file = ann.get("/api/users/me/export").expect(200).json();
    assert_eq!(file["contacts"][1]["first_name"], "Bob");
    file["contacts"][1]["job_title"] = json!("Builder");
    let brought = import(&bob, "application/json", file.to_string()).expect(200).json();
    let found = ["created", "errors", "warnings"].map(|name| brought[name].clone());
    assert_eq!(found, [json!(3), json!([]), json!([])], "{brought}");
    let cards = bob.get("/api/contacts/export").expect(200).text();
    assert!(cards.contains("X-EYES:grey") && cards.contains("TITLE:Builder"), "{cards:.900}");
    assert!(!cards.contains("X-JSON"));
    assert!(cards.replace("\r\n ", "").contains(&picture));
}

#[test]
fn a_card_in_json_loses_nothing_that_the_members_beside_it_do_not_say() {
    let world = World::new();
    let ann = world.user("ann");
    let with = |uid: &str| card(uid, "Ada").replace("END", "TITLE:Poet\r\nTEL:+1 555 0100\r\nEND");
    let long =
        with("three").replace("END", &format!("LOGO;ENCODING=b:{}\r\nEND", "A".repeat(1_300_000)));
    let file = json!([
        {"id": 5, "uid": "one", "vcard": with("one")},
        {"first_name": "Zoe", "job_title": null, "vcard": with("two")},
        {"vcard": long, "first_name": "Cy"},
        {"uid": "four", "vcard": with("four").replace("UID:four\r\n", "")},
    ]);
    let brought = import(&ann, "application/json", file.to_string()).expect(200).json();
    let found = ["created", "errors", "warnings"].map(|name| brought[name].clone());
    assert_eq!(found, [json!(4), json!([]), json!([])], "{brought}");
    let there = ann.get("/api/contacts?sort=created_at").expect(200).json();
    let of = |uid: &str| there.as_array().unwrap().iter().find(|it| it["uid"] == uid).unwrap();
    for (uid, name, title) in [
        ("one", "Ada", "Poet"),
        ("two", "Zoe", ""),
        ("three", "Cy", "Poet"),
        ("four", "Ada", "Poet"),
    ] {
        let it = of(uid);
        assert_eq!(
            (&it["first_name"], &it["phone"]),
            (&json!(name), &json!("+1 555 0100")),
            "{uid}"
        );
        assert_eq!(it["job_title"].as_str().unwrap_or_default(), title, "{uid}");
    }
}

#[test]
fn the_export_of_an_account_puts_whole_cards_in_the_place_of_what_is_there() {
    let world = World::new();
    let ann = world.user("ann");
    let pictures = ["iVBORw0KGgoAAAANSUhEUgAAAAE=", "iVBORw0KGgoAAAANSUhEUgAAAAI="];
    let with = |picture: &str, odd: &str| {
        let lines = format!("TEL:15\r\nX-EYES:{odd}\r\nPHOTO;ENCODING=b;TYPE=PNG:{picture}\r\nEND");
        card("one", "Ada").replace("END", &lines)
    };
    import(&ann, "text/vcard", with(pictures[0], "grey")).expect(200);
    let before = ann.get("/api/users/me/export").expect(200).text();
    let send = |existing: &str, kind: &str, file: &str| {
        let path = format!("{IMPORT}?existing={existing}");
        ann.send("POST", &path, &[("Content-Type", kind)], file.as_bytes()).expect(200).json()
    };
    let again = send("update", "application/json", &before);
    assert_eq!((&again["updated"], &again["warnings"]), (&json!(0), &json!([])), "{again}");
    assert_eq!(send("update", "text/vcard", &with(pictures[1], "blue"))["updated"], 1);
    let told = send("skip", "application/json", &before);
    assert_eq!(told["warnings"][0]["detail"], "uid: a contact with other contents has it; skipped");
    assert_eq!(send("update", "application/json", &before)["updated"], 1);
    let there = ann.get("/api/contacts/export").expect(200).text();
    assert!(there.contains(pictures[0]) && there.contains("X-EYES:grey"), "{there}");
    assert!(!there.contains(pictures[1]) && !there.contains("X-EYES:blue"), "{there}");
}

#[test]
fn an_export_that_comes_back_in_another_normal_form_or_with_a_smaller_picture_changes_nothing() {
    use base64::Engine;
    use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
    let world = World::new();
    let ann = world.user("ann");
    let engine = &base64::engine::general_purpose::STANDARD;
    let mut picture = Vec::new();
    PngEncoder::new(&mut picture).write_image(&[7; 3], 1, 1, ExtendedColorType::Rgb8).unwrap();
    // What follows the end of a PNG is none of it.
    picture.resize(1_200_000, 0);
    let lines =
        format!("ORG:Cafe\u{301}\r\nPHOTO;ENCODING=b;TYPE=PNG:{}\r\nEND", engine.encode(&picture));
    let large = card("one", "Zoe\u{308}").replace("END", &lines);
    let path = format!("/dav/addressbooks/{}/contacts/one.vcf", ann.id);
    let phone = ann.with_basic("ann", &ann.app_password("write"));
    phone.send("PUT", &path, &[("Content-Type", "text/vcard")], large.as_bytes()).expect(201);
    for (kind, path) in [
        ("text/vcard", "/api/contacts/export"),
        ("application/json", "/api/contacts/export?format=json"),
        ("application/json", "/api/users/me/export"),
    ] {
        let file = ann.get(path).expect(200).body;
        for existing in ["skip", "update", "add"] {
            let to = format!("{IMPORT}?existing={existing}");
            let same = ann.send("POST", &to, &[("Content-Type", kind)], &file).expect(200).json();
            let found = ["created", "updated", "skipped_duplicates"].map(|name| same[name].clone());
            assert_eq!(found, [json!(0), json!(0), json!(1)], "{path} {existing}: {same}");
            let warnings = same["warnings"].to_string();
            assert!(!warnings.contains("other contents"), "{path} {existing}: {warnings}");
        }
    }
    let small = large.replace(&engine.encode(&picture), "iVBORw0KGgoAAAANSUhEUgAAAAI=");
    let to = format!("{IMPORT}?existing=update");
    let changed = ann.send("POST", &to, &[("Content-Type", "text/vcard")], small.as_bytes());
    assert_eq!(changed.expect(200).json()["updated"], 1);
}

#[test]
fn a_map_says_what_the_columns_of_a_table_are() {
    let world = World::new();
    let ann = world.user("ann");
    let file = "Who,Spitz,Ignored\nAnn Ash,Annie,x\n";
    let send = |map: &str| {
        let path = format!("{IMPORT}?map={}", percent_encoded(map.as_bytes()));
        ann.send("POST", &path, &[("Content-Type", "text/csv")], file.as_bytes())
    };
    for wrong in ["[]", "{\"Who\": 1}", "Who", "{\"Who\": \"nothing\"}"] {
        let fault = send(wrong).expect(422).json();
        assert_eq!(fault["errors"][0]["field"], "map", "{fault}");
    }
    let map = "{\"Who\": \"display_name\", \"Spitz\": \"nickname\", \"Ignored\": null}";
    assert_eq!(counts(&send(map).expect(200)), (json!(1), json!(0), 0));
    let contact = ann.get("/api/contacts").json()[0].clone();
    assert_eq!(
        (&contact["display_name"], &contact["nickname"]),
        (&json!("Ann Ash"), &json!("Annie"))
    );
}
