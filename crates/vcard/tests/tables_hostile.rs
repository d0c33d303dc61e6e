//! Hostile tables: any text, and files that are made to cost much.

#![cfg(test)]

use std::time::{Duration, Instant};
use vcard::table::{self, Fault, Options, Widths};

/// A small generator (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// What holds for every text; `fuzz/fuzz_targets/csv.rs` has the same.
fn check(text: &str) -> usize {
    let _ = table::columns(text);
    let Ok(table) = table::read(text, &Options::default()) else { return 0 };
    let lines = 1 + text.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
    let mut good = 0;
    for row in table.rows() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                assert!((1..=lines).contains(&error.line), "{} of {lines}: {text:?}", error.line);
                continue;
            }
        };
        good += 1;
        assert!((1..=lines).contains(&row.line), "{} of {lines}: {text:?}", row.line);
        assert!(!row.details.display_name.is_empty(), "{text:?}");
        for (name, _) in &row.kept {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            assert!(name.len() <= 64 && name.bytes().all(plain), "{name:?}: {text:?}");
        }
        let mut widths = Widths::default();
        widths.add(&row.details);
        let mut out = String::new();
        table::header(&mut out, &widths);
        table::row(&mut out, &widths, &row.details);
        let again = table::read(&out, &Options::default()).unwrap();
        let rows: Vec<_> = again.rows().collect();
        assert_eq!(rows.len(), 1, "{text:?}\n{out}");
        assert_eq!(rows[0].as_ref().unwrap().details, row.details, "{text:?}\n{out}");
    }
    good
}

#[test]
fn any_text_is_read_without_harm() {
    let headers = [
        "First Name",
        "Last Name",
        "E-mail 1 - Value",
        "E-mail 1 - Label",
        "Phone 1 - Value",
        "Phone",
        "Birthday",
        "Labels",
        "Categories",
        "Notes",
        "Address 1 - Street",
        "Home City",
        "Skype",
        "Website",
        "Event 1 - Value",
        "File As",
        "Name",
        "Relation 1 - Value",
        "Custom Field 1 - Label",
        "Custom Field 1 - Value",
        "Цвет",
        "Job Title",
        "Address 1 - Formatted",
        "Photo",
        "Birth Day",
        "IM 1 - Service",
        "IM 1 - Value",
        "Phonetic First Name",
    ];
    let pieces = [
        "a",
        "Ж",
        ",",
        ",",
        ";",
        "\"",
        "\"\"",
        "\n",
        "\r\n",
        "\r",
        "'",
        "=",
        "+",
        "-",
        "@",
        "\t",
        "|",
        " ::: ",
        "\\",
        "* ",
        " ",
        "7654321",
        "/",
        "5/6/1990",
        "15.05.1990",
        " --04-24",
        "0/0/00",
        "Ann <a@x.example>",
        "<",
        ">",
        "SMTP",
        "sep=;",
        "\u{200b}",
        "\u{feff}",
        "\0",
        "é",
        "e\u{301}",
        "０１２３４５６",
        "n/a",
        "#",
        "\u{7f}",
        "mailto:",
        "tel:",
        ";ext=1",
        "(",
        "\u{a0}",
        "Home",
        "x",
    ];
    let mut random = Random(0x00c0_ffee);
    let mut good = 0;
    for _ in 0..500 {
        let separator = [",", ",", ";", "\t"][random.below(4)];
        let header: Vec<_> =
            (0..1 + random.below(6)).map(|_| headers[random.below(headers.len())]).collect();
        let mut text = header.join(separator) + "\n";
        for _ in 0..random.below(60) {
            text.push_str(pieces[random.below(pieces.len())]);
            if random.below(3) == 0 {
                text.push_str(separator);
            }
        }
        good += check(&text);
    }
    assert!(good > 300, "{good}");
}

/// Reads the whole table and says how many rows it has.
fn count(text: &str) -> usize {
    table::read(text, &Options::default()).map_or(0, |table| table.rows().count())
}

#[test]
fn nothing_costs_more_than_linear_time() {
    let size = 256 * 1024;
    let header = "Name,Phone,E-mail,Labels,Notes\n";
    let wide: String = (0..999).map(|n| format!("Phone {n} - Value,")).collect();
    let texts = [
        format!("{header}Ann,{}", "5,".repeat(size)),
        format!("{header}Ann,\"{}\"", ",".repeat(size)),
        format!("{header}Ann,\"{}\"", "5550100,".repeat(size / 8)),
        format!("{header}Ann,\"{}\"", "1 / 2 ".repeat(size / 6)),
        format!("{header}Ann,,\"{}\"", "a@x;".repeat(size / 4)),
        format!("{header}Ann,,\"{}\"", "<".repeat(size)),
        format!("{header}Ann,,,{}", "* x ::: ".repeat(size / 80)),
        format!(
            "{header}Ann,,,{}",
            (0..size / 12).map(|n| format!("{n} ::: ")).collect::<String>()
        ),
        format!("{header}Ann,,,,{}", "\\:::".repeat(size / 4)),
        format!("{header}Ann,,,,{}", "\"\" ".repeat(size / 3)),
        format!("{header}{}", "Ann,\"\n".repeat(size / 6)),
        format!("{header}{}", "Ann,\"\"\"x\n".repeat(size / 9)),
        format!("{wide}Name\n{}", "5\n".repeat(size / 2)),
        format!("{wide}Name\n{}\n", "5,".repeat(999)).repeat(20),
        "\"".repeat(size),
        ",".repeat(size),
        "home".repeat(size / 4),
        "\n".repeat(size),
        format!("{}\nAnn", "Name homehomehomehomehomehome,".repeat(990)),
    ];
    for text in &texts {
        let start = Instant::now();
        let rows = count(text);
        let spent = start.elapsed();
        let shown: String = text.chars().take(40).collect();
        // Not optimised, and the machine may be busy: linear is far below, quadratic far above.
        assert!(spent < Duration::from_secs(15), "{shown:?}, {rows} rows: {spent:?}");
    }
}

#[test]
fn a_header_past_the_most_columns_is_refused() {
    let text = format!("Name{}\nAnn\n", ",x".repeat(1_100));
    assert!(matches!(table::read(&text, &Options::default()), Err(Fault::NoTable(_))));
}

#[test]
fn what_a_row_keeps_is_bounded_by_the_row() {
    // A million headers' worth of names would be 100 times the file.
    let header: String = (0..900).map(|n| format!("{}{n},", "h".repeat(80))).collect();
    let text = format!("{header}Name\n{}", format!("{}Ann\n", "x,".repeat(900)).repeat(300));
    let table = table::read(&text, &Options::default()).unwrap();
    let mut kept = 0;
    for row in table.rows() {
        kept += row.unwrap().kept.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>();
    }
    assert!(kept < text.len() * 2, "{kept} of {}", text.len());
}
