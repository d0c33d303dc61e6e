//! Input that means harm: mutated samples, and files made to cost time or memory.

use crate::*;
use contactd::formats::{PROPERTIES_MAX, csv, json};
use std::time::Duration;

/// Pieces that steer a parser into its corners.
const PIECES: [&str; 40] = [
    "\r\n",
    "\n",
    "\r",
    "\r\n ",
    "\n\t",
    "=\r\n",
    ":",
    ";",
    ",",
    "\"",
    "\\",
    "\\n",
    ".",
    "=",
    "=3D",
    "=0D=0A",
    "BEGIN:VCARD\r\n",
    "END:VCARD\r\n",
    "VERSION:2.1\r\n",
    "AGENT:\r\n",
    "N:",
    "FN:",
    "TEL:",
    "EMAIL;PREF=1:",
    "BDAY:",
    "NOTE:",
    "CATEGORIES:",
    ";ENCODING=QUOTED-PRINTABLE",
    ";ENCODING=BASE64",
    ";CHARSET=windows-1251",
    "\0",
    "\u{feff}",
    "Ї",
    "{first_name}",
    "{last_name}",
    "X-CUSTOM(",
    "item1.",
    "1990-04-12",
    "--0412",
    "\u{85}",
];

/// Some seconds of work; more where the compiler optimises.
const ROUNDS: usize = if cfg!(debug_assertions) { 1_500 } else { 50_000 };

fn mutated(dice: &mut Dice, seed: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.roll(6) {
        let at = dice.roll(bytes.len() + 1);
        let to = (at + dice.roll(12)).min(bytes.len());
        match dice.roll(4) {
            0 => bytes.insert(at, dice.roll(256) as u8),
            1 => drop(bytes.drain(at..to)),
            2 => drop(bytes.splice(at..at, dice.pick(&PIECES).bytes())),
            _ => {
                let copy = bytes[at..to].to_vec();
                let at = dice.roll(bytes.len() + 1);
                bytes.splice(at..at, copy);
            }
        }
    }
    bytes
}

/// What holds for every contact that any reader yields.
fn check(imported: &Imported) {
    let contact = stored(imported);
    let out = export(&contact);
    let again = cards(out.as_bytes());
    assert_eq!(again.len(), 1, "{out}");
    let again = again[0].as_ref().unwrap_or_else(|error| panic!("{error:?}\n{out}"));
    assert_eq!(again.fields, imported.fields, "{out}");
    assert_eq!(again.properties, imported.properties, "{out}");
    assert_eq!(again.uid.as_ref(), Some(&contact.uid), "{out}");
    // vobject knows neither underscores in names nor lists of quoted values.
    let beyond = |line: &String| {
        let head = line.split(':').next().unwrap_or_default();
        head.contains('_') || line.contains("\",")
    };
    if !lines(&out).iter().any(beyond) {
        let read = vobject::parse_component(&out);
        assert!(read.is_ok(), "{:?}\n{out}", read.err());
    }
    assert!(
        out.split("\r\n").all(|line| line.len() <= 75 && !line.contains(['\n', '\r', '\0'])),
        "{out}"
    );
}

#[test]
fn mutated_cards_neither_panic_nor_change_on_their_way_out_and_in() {
    let mut dice = Dice(0x5EED_CA2D);
    let mut good = 0;
    // Photographs only make it slow.
    let seeds: Vec<_> = sample_cards()
        .into_iter()
        .map(|(_, bytes)| bytes[..bytes.len().min(1_200)].to_vec())
        .collect();
    for round in 0..ROUNDS {
        let bytes = mutated(&mut dice, &seeds[round % seeds.len()]);
        for row in vcard::read(&bytes, latest()).into_iter().flatten().flatten() {
            check(&row);
            good += 1;
        }
    }
    assert!(good > ROUNDS / 2, "{good}");
}

#[test]
fn mutated_tables_neither_panic_nor_change_as_cards_and_tables() {
    let mut dice = Dice(0x7AB1E);
    let mut good = 0;
    let seeds = [
        "First Name,Last Name,Birthday,Notes,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value\r\n\
         Ann,Smith,1990-04-12,\"a \"\"b\"\"\r\nc\",x ::: y,* Home,a@b.cd,Boat,+1 555 0100\r\nBob,,,'=1,,,,,\r\n",
        "First Name;Company;Birthday;Business Street;Home Phone;Other\nAnn;Acme;5/15/1990;Way 1;111;z\n",
        "Name\tNotes\nЇжак\tx\n",
    ];
    for round in 0..ROUNDS {
        let bytes = mutated(&mut dice, seeds[round % seeds.len()].as_bytes());
        for row in csv::read(&bytes, latest()).into_iter().flatten().flatten() {
            check(&row);
            good += 1;
            let mut table = String::new();
            csv::header(&mut table);
            csv::row(&mut table, &stored(&row));
            let mut again: Vec<Row> = csv::read(table.as_bytes(), latest()).unwrap().collect();
            assert_eq!(again.len(), 1, "{table}");
            let again = again.remove(0).unwrap_or_else(|error| panic!("{error:?}\n{table}"));
            assert_eq!(again.fields, row.fields, "{table}");
        }
    }
    assert!(good > ROUNDS / 2, "{good}");
}

#[test]
fn mutated_json_does_not_panic() {
    let mut dice = Dice(0x150D);
    let seed = r#"[{"first_name": "Ann", "labels": ["a"], "birthday": "1990-04-12"}, {"x": [{}]}]"#;
    for _ in 0..ROUNDS {
        let bytes = mutated(&mut dice, seed.as_bytes());
        let _ = json::read(&bytes, latest()).into_iter().flatten().count();
    }
}

/// How long this thread really worked (Linux tells it; other processes may keep it waiting).
fn working_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split(' ').next().and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// Files that would take minutes if any step were quadratic.
#[test]
fn no_shape_of_a_file_takes_more_than_its_share_of_time() {
    const SIZE: usize = if cfg!(debug_assertions) { 256 * 1024 } else { 8 * 1024 * 1024 };
    let card = |body: &str| format!("BEGIN:VCARD\nVERSION:2.1\nFN:a\n{body}");
    let filled = |unit: &str| unit.repeat(SIZE / unit.len());
    let shapes = [
        filled("BEGIN:VCARD\nAGENT:\n"),
        filled("BEGIN:VCARD\nEND:VCARD\n"),
        card(&filled(" \n")),
        card(&filled("\n ")),
        card(&filled("X\n ")),
        card(&filled("X:\n")),
        card(&filled("TEL:1\n")),
        card(&filled("EMAIL;PREF=1:a@b.cd\n")),
        card(&filled("N:a;b\nFN:a b\n")),
        card(&format!("X{}:", filled(";A=\"b\""))),
        card(&format!("N:{}", filled(";"))),
        card(&format!("CATEGORIES:{}", filled("a,"))),
        card(&format!("NOTE;QUOTED-PRINTABLE:{}", filled("=\n"))),
        card(&format!("NOTE;QUOTED-PRINTABLE:{}", filled("=3B"))),
        card(&format!("FN:{}", filled("a "))),
        card(&format!("PHOTO;ENCODING=BASE64:{}", filled("AAAA\n"))),
        filled("stray\n"),
        filled("\""),
    ];
    for shape in &shapes {
        let start = working_time();
        let rows = vcard::read(shape.as_bytes(), latest()).into_iter().flatten().count();
        let took = working_time() - start;
        assert!(took < Duration::from_secs(8), "{shape:.60}: {rows} rows, {took:?}");
    }
    let header = "First Name,Notes\n";
    let tables = [
        header.to_owned() + &filled("a\n"),
        header.to_owned() + "\"" + &filled("\"\""),
        header.to_owned() + &filled("\n"),
        header.to_owned() + &filled(","),
        header.to_owned() + &filled("a,\"\n\"\n"),
        format!("First Name,Labels\na,{}", filled("a ::: ")),
        format!("First Name,Phone 1 - Value\na,{}", filled("1 ::: ")),
        format!("First Name,{}\n", filled("Phone 1 - Value,")),
    ];
    for table in &tables {
        let start = working_time();
        let rows = csv::read(table.as_bytes(), latest()).into_iter().flatten().count();
        let took = working_time() - start;
        assert!(took < Duration::from_secs(8), "{table:.60}: {rows} rows, {took:?}");
    }
}

#[test]
fn a_contact_keeps_only_so_much() {
    let photo = |size| {
        format!("BEGIN:VCARD\nFN:Ann\nPHOTO:{}\nEND:VCARD\nBEGIN:VCARD\nFN:Bob", "A".repeat(size))
    };
    let rows = cards(photo(PROPERTIES_MAX - 6).as_bytes());
    assert_eq!(rows[0].as_ref().unwrap().properties.len(), PROPERTIES_MAX);
    let lines =
        |count: usize| format!("BEGIN:VCARD\nFN:Ann{}\nEND:VCARD", "\nX-A:1".repeat(count - 1));
    assert!(cards(lines(10_000).as_bytes())[0].is_ok());
    let bytes = format!("BEGIN:VCARD\nFN:Ann\nPRODID:{}\nEND:VCARD", "A".repeat(1_114_112 - 13));
    assert!(cards(bytes.as_bytes())[0].is_ok());
    for (text, limit) in [
        (photo(PROPERTIES_MAX), "at most 1048576 bytes"),
        (photo(PROPERTIES_MAX * 4), "at most 1114112 bytes and 10000 lines"),
        (lines(10_001) + "\nBEGIN:VCARD\nFN:Bob", "at most 1114112 bytes and 10000 lines"),
    ] {
        let rows = cards(text.as_bytes());
        let error = rows[0].as_ref().unwrap_err();
        assert!(error.line == 1 && error.detail.ends_with(limit), "{error:?}");
        assert_eq!(rows[1].as_ref().unwrap().fields.first_name, "Bob");
    }
}

/// `cargo test --release --test formats figures -- --ignored --nocapture`
#[test]
#[ignore = "prints figures, checks nothing"]
fn figures() {
    let mut text = String::new();
    let mut table = String::new();
    csv::header(&mut table);
    let mut contact = stored(&with_lines(
        "N:Smith;Ann;B.;;\nTEL;TYPE=CELL:+1 555 0100\nEMAIL;TYPE=HOME:ann@x.yz\nADR:;;Street 1;Kyiv;;01001;\n\
         NOTE:a\\nb\\, c\nCATEGORIES:x,y\nBDAY:1990-04-12\nORG:Acme",
    ));
    let count = if cfg!(debug_assertions) { 1_000 } else { 10_000 };
    let start = working_time();
    for number in 0..count {
        contact.uid = format!("uid-{number}");
        vcard::write(&mut text, &contact);
    }
    let wrote = working_time() - start;
    (0..count).for_each(|_| csv::row(&mut table, &contact));
    let start = working_time();
    assert_eq!(cards(text.as_bytes()).into_iter().flatten().count(), count);
    let read = working_time() - start;
    let start = working_time();
    assert_eq!(csv::read(table.as_bytes(), latest()).unwrap().flatten().count(), count);
    println!("{count} cards, {} KiB: written in {wrote:?}, read in {read:?}", text.len() / 1024);
    println!("{count} rows, {} KiB: read in {:?}", table.len() / 1024, working_time() - start);
    let large = text.repeat(10 * 1024 * 1024 / text.len());
    let start = working_time();
    let rows = vcard::read(large.as_bytes(), latest()).unwrap().flatten().count();
    println!(
        "{} KiB of small cards, {rows} of them: read in {:?}",
        large.len() / 1024,
        (working_time() - start)
    );
    let photo =
        format!("BEGIN:VCARD\nFN:Ann\nPHOTO;ENCODING=b:{}\nEND:VCARD\n", "AAAA\n ".repeat(20_000))
            .repeat(80);
    let start = working_time();
    let rows = vcard::read(photo.as_bytes(), latest()).unwrap().flatten().count();
    println!(
        "{} KiB with photographs, {rows} cards: read in {:?}",
        photo.len() / 1024,
        (working_time() - start)
    );
}
