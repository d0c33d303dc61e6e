//! Files that people bring, through the API: what `crates/vcard` cannot show alone (what is there already, what
//! is stored, what goes out again), and every sample of it.

use crate::world::{Actor, World};
use serde_json::{Value, json};
use std::path::Path;

fn import(who: &Actor, media_type: &str, file: impl AsRef<[u8]>) -> Value {
    let headers = [("Content-Type", media_type)];
    who.send("POST", "/api/contacts/import", &headers, file.as_ref()).expect(200).json()
}

fn sample(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/vcard/tests/samples");
    std::fs::read(folder.join(name)).unwrap()
}

/// Created, skipped, errors and warnings.
fn counts(outcome: &Value) -> [usize; 4] {
    let length = |name: &str| outcome[name].as_array().unwrap().len();
    let number = |name: &str| usize::try_from(outcome[name].as_u64().unwrap()).unwrap();
    [number("created"), number("skipped_duplicates"), length("errors"), length("warnings")]
}

fn list(who: &Actor) -> Vec<Value> {
    who.get("/api/contacts?limit=100&sort=created_at")
        .expect(200)
        .json()
        .as_array()
        .unwrap()
        .clone()
}

fn names(who: &Actor) -> Vec<String> {
    list(who).iter().map(|it| it["display_name"].as_str().unwrap().to_owned()).collect()
}

/// The contacts without what an account gives them, in an order of their own.
fn bare(who: &Actor, without: &[&str]) -> Vec<Value> {
    let mut all = list(who);
    for contact in &mut all {
        for name in ["id", "created_at", "updated_at", "photo"].iter().chain(without) {
            contact.as_object_mut().unwrap().remove(*name);
        }
    }
    all.sort_by_key(Value::to_string);
    all
}

#[test]
fn every_sample_comes_in_once_and_goes_out_and_in_again() {
    let world = World::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/vcard/tests/samples");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert!(files.len() > 35, "{files:?}");
    for (at, name) in files.iter().enumerate() {
        let media_type = if name.ends_with("csv") { "text/csv" } else { "text/vcard" };
        let ann = world.user(&format!("ann{at}"));
        let first = import(&ann, media_type, sample(name));
        let [created, _, errors, _] = counts(&first);
        assert!(created > 0, "{name}: {first}");
        assert!(
            errors == 0 || ["09_malformed.vcf", "f16-unclosed-quote.csv"].contains(&name.as_str()),
            "{name}: {first}"
        );
        let again = import(&ann, media_type, sample(name));
        assert_eq!(counts(&again)[0], 0, "{name}: {again}");
        assert_eq!(list(&ann).len(), created, "{name}");
        for (format, media_type, without) in [
            ("vcard", "text/vcard", &[][..]),
            ("json", "application/json", &[]),
            ("csv", "text/csv", &["uid"]),
        ] {
            let file = ann.get(&format!("/api/contacts/export?format={format}")).expect(200);
            let bob = world.user(&format!("bob{at}{format}"));
            let outcome = import(&bob, media_type, &file.body);
            assert_eq!(counts(&outcome)[0], created, "{name} {format}: {outcome}");
            assert_eq!(bare(&bob, without), bare(&ann, without), "{name} {format}");
        }
    }
}

#[test]
fn what_is_odd_or_long_comes_in_whole_and_a_change_of_it_obeys_the_limits() {
    let world = World::new();
    let ann = world.user("ann");
    import(&ann, "text/vcard", sample("f02-21-labels.vcf"));
    import(&ann, "text/vcard", sample("f02-note-5001.vcf"));
    let long = format!(
        "First Name,Phone,E-mail,Birthday,Labels\n{},{},no address,2062-01-01,{}\n",
        "n".repeat(130),
        "5".repeat(33),
        (0..60).map(|at| format!("l{at}")).collect::<Vec<_>>().join(" ::: ")
    );
    let outcome = import(&ann, "text/csv", long);
    assert_eq!(counts(&outcome)[0], 1, "{outcome}");
    assert!(counts(&outcome)[3] > 2, "{outcome}");
    let all = list(&ann);
    assert_eq!(all[0]["labels"].as_array().unwrap().len(), 21);
    assert_eq!(all[1]["additional_data"].as_str().unwrap().len(), 5_001);
    assert_eq!(all[2]["first_name"].as_str().unwrap().len(), 130);
    assert_eq!(all[2]["labels"].as_array().unwrap().len(), 60);
    assert_eq!(
        (&all[2]["birthday"], &all[2]["email"]),
        (&json!("2062-01-01"), &json!("no address"))
    );
    // What a client does not change stays; what it changes obeys.
    let path = format!("/api/contacts/{}", all[2]["id"]);
    ann.patch(&path, json!({"nickname": "x"})).expect(200);
    ann.put(&path, ann.get(&path).expect(200).json()).expect(200);
    ann.patch(&path, json!({"first_name": "m".repeat(130)})).expect_faults(&["first_name"]);
    ann.patch(&path, json!({"birthday": "2062-01-02"})).expect_faults(&["birthday"]);
}

#[test]
fn bytes_that_are_wrong_cost_themselves_and_short_files_are_guessed_with_a_warning() {
    let world = World::new();
    let ann = world.user("ann");
    let outcome = import(&ann, "text/csv", sample("f04-one-bad-byte.csv"));
    assert_eq!((names(&ann)[1].as_str(), counts(&outcome)[3]), ("Олена Ґудзь", 1), "{outcome}");
    assert_eq!(outcome["warnings"][0]["line"], 4);
    assert!(names(&ann)[2].contains('\u{fffd}'), "{:?}", names(&ann));
    let bob = world.user("bob");
    let outcome = import(&bob, "text/csv", sample("f05-gbk.csv"));
    assert_eq!(counts(&outcome), [1, 0, 0, 1], "{outcome}");
    let carl = world.user("carl");
    let outcome = import(&carl, "text/csv; charset=gbk", sample("f05-gbk.csv"));
    assert_eq!(
        (counts(&outcome), names(&carl)),
        ([1, 0, 0, 0], vec!["小明 王".to_owned()]),
        "{outcome}"
    );
    let dora = world.user("dora");
    let utf_16: Vec<u8> =
        "Name;Phone\nЇжак;555 0100\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(
        (counts(&import(&dora, "text/csv", utf_16))[0], names(&dora)),
        (1, vec!["Їжак".to_owned()])
    );
}

#[test]
fn two_rows_that_differ_are_two_contacts_whichever_comes_first() {
    let world = World::new();
    let who = |name: &str| world.user(name);
    let ann = who("ann");
    for name in ["f03-second-phone.vcf", "f03-two-people-one-name.vcf"] {
        assert_eq!(counts(&import(&ann, "text/vcard", sample(name)))[0], 2, "{name}");
        assert_eq!(counts(&import(&ann, "text/vcard", sample(name)))[0], 0, "{name}");
    }
    let rows = [
        "Ann,Ash,555 0100,Oslo",
        "Ann,Ash,555 0100,",
        "Ann,Ash,555 0101,Oslo",
        "Ann,Ash,,",
        "Ann,Ash,555 0100,Rome",
    ];
    for (at, order) in
        [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 3, 0, 4, 2], [3, 1, 0, 2, 4]].into_iter().enumerate()
    {
        let who = who(&format!("who{at}"));
        let table = |order: &[usize]| {
            let rows: Vec<_> = order.iter().map(|at| rows[*at]).collect();
            format!("First Name,Last Name,Phone,City\n{}\n", rows.join("\n"))
        };
        assert_eq!(counts(&import(&who, "text/csv", table(&order)))[0], 5, "{order:?}");
        assert_eq!(counts(&import(&who, "text/csv", table(&order)))[..2], [0, 5], "{order:?}");
        // The same twice in one file is one, and the contact may have got more meanwhile.
        let path = format!("/api/contacts/{}", list(&who)[0]["id"]);
        ann_adds_a_number(&who, &path);
        assert_eq!(
            counts(&import(&who, "text/csv", table(&[0, 0, 1, 1])))[..2],
            [0, 4],
            "{order:?}"
        );
    }
    let bob = who("bob");
    let twice =
        import(&bob, "text/csv", "First Name,Phone\nAnn,555 0100\nAnn,555 0100\nAnn,(555) 0100\n");
    assert_eq!(counts(&twice)[..2], [1, 2], "{twice}");
    // Without a uid a card is known by what it says, its unknown lines too.
    let card = |more: &str| format!("BEGIN:VCARD\nVERSION:2.1\nN:Kim;Min\n{more}END:VCARD\n");
    let carl = who("carl");
    for (more, created) in
        [("X-A:1\n", 1), ("X-A:1\n", 0), ("X-A:2\n", 1), ("", 0), ("TEL:555 0100\n", 1)]
    {
        assert_eq!(counts(&import(&carl, "text/vcard", card(more)))[0], created, "{more}");
    }
}

fn ann_adds_a_number(who: &Actor, path: &str) {
    let mut contact = who.get(path).expect(200).json();
    contact["phones"].as_array_mut().unwrap().push(json!({"value": "555 0199", "label": "home"}));
    contact.as_object_mut().unwrap().remove("phone");
    who.put(path, contact).expect(200);
}

#[test]
fn uids_that_begin_alike_are_two_people_however_long() {
    let world = World::new();
    let ann = world.user("ann");
    let card = |uid: &str, name: &str| {
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name};;;;\r\nEND:VCARD\r\n"
        )
    };
    for beginning in ["u".repeat(254), "u".repeat(300), "ї".repeat(1_000), "x".repeat(100_000)] {
        let file = card(&format!("{beginning}1"), "A")
            + &card(&format!("{beginning}2"), "B")
            + &card(&beginning, "C");
        assert_eq!(counts(&import(&ann, "text/vcard", &file)), [3, 0, 0, 0], "{}", beginning.len());
        assert_eq!(counts(&import(&ann, "text/vcard", &file)), [0, 3, 0, 0], "{}", beginning.len());
        // The card has the whole one, and each is found by its own.
        assert!(
            ann.get("/api/contacts/export")
                .expect(200)
                .text()
                .replace("\r\n ", "")
                .contains(&format!("UID:{beginning}2\r\n"))
        );
    }
    assert_eq!(list(&ann).len(), 12);
    let uids: std::collections::HashSet<_> =
        list(&ann).iter().map(|it| it["uid"].to_string()).collect();
    assert_eq!(uids.len(), 12);
    let json = ann.get("/api/contacts/export?format=json").expect(200);
    assert_eq!(counts(&import(&ann, "application/json", &json.body))[..2], [0, 12]);
}

#[test]
fn a_photo_is_kept_to_a_mebibyte_and_made_smaller_past_it() {
    use base64::Engine;
    use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs::png::PngEncoder};
    let world = World::new();
    let ann = world.user("ann");
    // Noise, which no encoding makes smaller.
    let picture = |side: u32| {
        let mut state = 1_u32;
        let noise = RgbImage::from_fn(side, side, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Rgb([state.to_be_bytes()[0], state.to_be_bytes()[1], state.to_be_bytes()[2]])
        });
        let mut png = Vec::new();
        PngEncoder::new(&mut png).write_image(&noise, side, side, ExtendedColorType::Rgb8).unwrap();
        png
    };
    let card = |photo: &[u8]| {
        let base64 = base64::engine::general_purpose::STANDARD.encode(photo);
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A{}\r\nPHOTO;ENCODING=b;TYPE=PNG:{base64}\r\nEND:VCARD\r\n",
            photo.len()
        )
    };
    let (small, large) = (picture(500), picture(800));
    assert!(
        small.len() > 700_000 && small.len() < 1 << 20 && large.len() > 1 << 20,
        "{} {}",
        small.len(),
        large.len()
    );
    assert_eq!(counts(&import(&ann, "text/vcard", card(&small))), [1, 0, 0, 0]);
    let outcome = import(&ann, "text/vcard", card(&large));
    assert_eq!(counts(&outcome), [1, 0, 0, 1], "{outcome}");
    assert!(outcome["warnings"][0]["detail"].as_str().unwrap().starts_with("photo"), "{outcome}");
    let photo = |at: usize| {
        let contact = &list(&ann)[at];
        ann.get(&format!("/api/contacts/{}/photo", contact["id"])).expect(200).body
    };
    assert_eq!(photo(0), small);
    let less = image::load_from_memory(&photo(1)).unwrap();
    assert!(photo(1).len() < 1 << 20 && less.width() <= 720, "{} {}", photo(1).len(), less.width());
    // Not a picture, and large: the person comes in all the same, and the line stays.
    let outcome = import(&ann, "text/vcard", card(&vec![7; (1 << 20) + 10]));
    assert_eq!(counts(&outcome)[..3], [1, 0, 0], "{outcome}");
}

#[test]
fn groups_are_labels_and_no_people_in_either_version() {
    let world = World::new();
    let ann = world.user("ann");
    let people = "BEGIN:VCARD\nVERSION:3.0\nUID:urn:uuid:a\nFN:A\nEND:VCARD\nBEGIN:VCARD\nVERSION:4.0\nUID:b\nFN:B\nEND:VCARD\n";
    let group = |version: &str, kind: &str, name: &str, members: &str| {
        format!(
            "BEGIN:VCARD\nVERSION:{version}\nUID:g-{name}\nFN:{name}\n{kind}\n{members}END:VCARD\n"
        )
    };
    let apple = group(
        "3.0",
        "X-ADDRESSBOOKSERVER-KIND:group",
        "Choir",
        "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:a\nX-ADDRESSBOOKSERVER-MEMBER:urn:uuid:b\n",
    );
    let modern =
        group("4.0", "KIND:GROUP", "Band", "MEMBER:urn:uuid:b\nMEMBER:mailto:x@x.example\n");
    // Before their members and after them.
    assert_eq!(counts(&import(&ann, "text/vcard", format!("{apple}{people}{modern}")))[0], 2);
    let labels: Vec<_> = list(&ann).iter().map(|it| it["labels"].clone()).collect();
    assert_eq!(labels, [json!(["Choir"]), json!(["Choir", "Band"])]);
}

#[test]
fn search_finds_what_people_type() {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let world = World::new();
    let ann = world.user("ann");
    ann.post(
        "/api/contacts",
        json!({"first_name": "Ann", "last_name": "Ash", "phone": "+49 172 555-1234", "labels": ["Choir", "Chor Köln", "2024"]}),
    )
    .expect(201);
    import(&ann, "text/csv", "First Name,Last Name,Phone\nعلی,کریمی,1-800-555-CARS\n");
    for (text, found) in [
        ("0172 555", 1),
        ("0049 172", 1),
        ("(0) 172", 1),
        ("17", 1),
        ("٠١٧٢ ٥٥٥", 1),
        ("０１７２", 1),
        ("ash  ann", 1),
        ("an\u{200b}n \u{feff}ash", 1),
        ("CHOIR ann 172", 1),
        ("koln chor", 1),
        ("2024", 1),
        ("علي كريمي", 1),
        ("800-555-cars", 1),
        ("a b c d e f g", 0),
        ("ann nobody", 0),
        ("172 556", 0),
        ("choir bass", 0),
    ] {
        let query = utf8_percent_encode(text, NON_ALPHANUMERIC);
        let answer = ann.get(&format!("/api/contacts?search={query}")).expect(200);
        assert_eq!(answer.header("X-Total-Count"), found.to_string(), "{text}");
    }
    let label = |text: &str| {
        ann.get(&format!("/api/contacts?label={text}"))
            .expect(200)
            .header("X-Total-Count")
            .to_owned()
    };
    assert_eq!(
        ["choir", "CHOR%20K%C3%96LN", "Chor%20Koln", "cho"].map(label),
        ["1", "1", "0", "0"]
    );
    let labels = ann.get("/api/contacts/labels").expect(200).json();
    let names: Vec<_> =
        labels.as_array().unwrap().iter().map(|it| it["label"].as_str().unwrap()).collect();
    assert_eq!(names, ["2024", "Choir", "Chor Köln"]);
}

#[test]
fn json_of_other_programs_loses_neither_people_nor_values() {
    let world = World::new();
    let ann = world.user("ann");
    let file = json!([
        {"first_name": 123, "birthday": "31.12.1990", "phones": ["555 0100"], "emails": "a@x.example"},
        {"first_name": "Bob", "shoe": 42, "birthday": "circa 1800", "last_name": {"x": 1}},
        {"urls": [{"value": "https://x.example"}]},
    ]);
    let outcome = import(&ann, "application/json", file.to_string());
    assert_eq!(counts(&outcome), [3, 0, 0, 3], "{outcome}");
    let all = list(&ann);
    let one = &all[0];
    assert_eq!(
        (&one["first_name"], &one["birthday"], &one["phone"], &one["email"]),
        (&json!("123"), &json!("1990-12-31"), &json!("555 0100"), &json!("a@x.example"))
    );
    assert_eq!(all[2]["display_name"], "https://x.example");
    let path = format!("/api/contacts/{}", all[1]["id"]);
    let card = ann.send("GET", &path, &[("Accept", "text/vcard")], b"").expect(200);
    let card = String::from_utf8(card.body).unwrap();
    for line in ["X-JSON-SHOE:42", "X-JSON-BIRTHDAY:circa 1800", "X-JSON-LAST-NAME:{\"x\":1}"] {
        assert!(card.contains(&format!("{line}\r\n")), "{line}: {card}");
    }
    let again = import(&ann, "application/json", file.to_string());
    assert_eq!(counts(&again)[..2], [0, 3], "{again}");
    // The character set counts for JSON too.
    for (bytes, warnings) in [
        (b"[{\"first_name\": \"Zo\xEB\"}]".to_vec(), 1),
        ("[{\"first_name\": \"Zoë\"}]".encode_utf16().flat_map(u16::to_le_bytes).collect(), 0),
    ] {
        let bob = world.user(&format!("bob{warnings}"));
        let outcome = import(&bob, "application/json", bytes);
        assert_eq!(counts(&outcome), [1, 0, 0, warnings], "{outcome}");
        assert_eq!(names(&bob), ["Zoë"]);
    }
}

#[test]
fn a_second_card_of_a_uid_is_skipped_with_a_warning_if_it_says_something_else() {
    let world = World::new();
    let card = |tel: &str| {
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u1\r\nFN:Ann\r\nN:;Ann;;;\r\nTEL:{tel}\r\nEND:VCARD\r\n"
        )
    };
    let (same, other) = (card("555 0101").repeat(2), card("555 0101") + &card("555 0102"));
    let ann = world.user("ann");
    assert_eq!(counts(&import(&ann, "text/vcard", same)), [1, 1, 0, 0]);
    assert_eq!(counts(&import(&ann, "text/vcard", &other)), [0, 2, 0, 1]);
    let bob = world.user("bob");
    assert_eq!(counts(&import(&bob, "text/vcard", &other)), [1, 1, 0, 1]);
    // With `add` nothing that it says is lost.
    let cid = world.user("cid");
    let headers = [("Content-Type", "text/vcard")];
    let added = cid.send("POST", "/api/contacts/import?existing=add", &headers, other.as_bytes());
    assert_eq!(counts(&added.expect(200).json())[0], 2);
}

#[test]
fn a_file_of_another_kind_is_named_in_the_answer() {
    let world = World::new();
    let ann = world.user("ann");
    let table = "application/vnd.ms-excel";
    for (media_type, file, says) in [
        (table, &b"PK\x03\x04\x14\x00\x06\x00"[..], "save the sheet as CSV"),
        (table, b"\xD0\xCF\x11\xE0\xA1\xB1", "save it as CSV"),
        ("application/octet-stream", b"%PDF-1.4\n", "is a PDF"),
        ("text/vcard", b"\x1F\x8B\x08", "compressed"),
        ("text/csv", b"<!DOCTYPE html><html>Name,Phone</html>", "is a web page"),
        ("text/plain", b"{\\rtf1 Ann}", "RTF"),
        ("text/plain", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "is a calendar"),
        ("text/plain", b"dn: cn=Ann\nmail: a@x.example\n", "LDIF"),
        ("text/csv", b"5550101\n5550102\n", "which column is which"),
        ("application/json", b"{\"first_name\": \"Ann\"", "is no JSON"),
    ] {
        let headers = [("Content-Type", media_type)];
        let answer = ann.send("POST", "/api/contacts/import", &headers, file).expect(400);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(says), "{says}: {detail}");
    }
    for file in [&b"\xFF\xFE"[..], b"\xEF\xBB\xBF", b"", b"\r\n"] {
        assert_eq!(counts(&import(&ann, "text/csv", file)), [0; 4]);
    }
}
