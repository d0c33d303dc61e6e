//! CSV: our own tables out, and in again.

#![cfg(test)]

use vcard::table::{self, Options, Widths};
use vcard::{Address, Card, DateEntry, Details, Entry, Labelled, Online, PartialDate};

fn written(contacts: &[Details]) -> String {
    let mut widths = Widths::default();
    contacts.iter().for_each(|details| widths.add(details));
    let mut out = String::new();
    table::header(&mut out, &widths);
    contacts.iter().for_each(|details| table::row(&mut out, &widths, details));
    out
}

/// What is read of a table that was written here: nothing is odd, nothing is left over.
#[track_caller]
fn again(text: &str) -> Vec<Details> {
    let table = table::read(text, &Options::default()).unwrap();
    assert_eq!(table.warnings(), [], "{text}");
    table
        .rows()
        .map(|row| {
            let row = row.unwrap();
            assert_eq!((&row.kept, &row.uid), (&vec![], &None), "{text}");
            row.details
        })
        .collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn ann() -> Details {
    Details { display_name: "Ann".to_owned(), first_name: some("Ann"), ..Details::default() }
}

#[test]
fn google_reads_what_is_written() {
    let entry = |value: &str, label: Option<&str>, primary| Entry {
        value: value.to_owned(),
        label: label.map(str::to_owned),
        primary,
    };
    let contact = Details {
        emails: vec![entry("a@x.example", Some("home"), false), entry("b@x.example", None, true)],
        phones: vec![entry("+49 30 1234567", Some("boat, house"), true)],
        birthday: Some(PartialDate { year: None, month: 4, day: 24 }),
        labels: vec!["family".to_owned(), "a ::: b".to_owned()],
        additional_data: some("=1+1"),
        ..ann()
    };
    assert_eq!(
        written(&[contact, ann()]),
        "First Name,Middle Name,Last Name,Name Prefix,Name Suffix,Nickname,File As,Organization Name,Organization Title,\
         Organization Department,Birthday,Notes,Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,\
         Phone 1 - Label,Phone 1 - Value\r\n\
         Ann,,,,,,,,,,\" --04-24\",'=1+1,family ::: a \\::: b,Home,a@x.example,\"* \",b@x.example,\"* boat, house\",+49 30 1234567\r\n\
         Ann,,,,,,,,,,,,,,,,,,\r\n"
    );
    assert_eq!(written(&[]).lines().count(), 1);
}

/// In a table of another program such a row would be the header of a second table, or the line that counts.
#[test]
fn a_person_whose_cells_are_words_of_headers_or_count_the_others_comes_back() {
    let named = |first: &str, more: Details| Details {
        first_name: some(first),
        display_name: [Some(first), more.last_name.as_deref()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
        ..more
    };
    let contacts = [
        ann(),
        named("Total", Details { additional_data: some("1"), ..Details::default() }),
        named("Name", Details { last_name: some("Phone"), ..Details::default() }),
        named(
            "Company",
            Details { last_name: some("E-Mail"), nickname: some("Birthday"), ..Details::default() },
        ),
        ann(),
    ];
    assert_eq!(again(&written(&contacts)), contacts);
    // Two of our tables in one file.
    let wide = Details {
        labels: vec!["x".to_owned()],
        urls: vec![Labelled { value: "https://x.example".to_owned(), label: None }],
        ..ann()
    };
    let text = written(&[ann()]) + &written(std::slice::from_ref(&wide));
    assert_eq!(again(&text), [ann(), wide]);
}

#[test]
fn a_formula_never_reaches_a_spreadsheet() {
    for text in ["=HYPERLINK(\"http://x\")", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "'=1", "＝1"]
    {
        let contact = Details { first_name: some(text), display_name: text.to_owned(), ..ann() };
        let table = written(std::slice::from_ref(&contact));
        let row = table.lines().nth(1).unwrap();
        assert!(row.starts_with('\'') || row.starts_with("\"'"), "{row}");
        assert_eq!(again(&table), [contact]);
    }
    let plain =
        Details { first_name: some("'t Hooft"), display_name: "'t Hooft".to_owned(), ..ann() };
    assert!(written(&[plain]).contains("\n't Hooft,"));
}

/// A small generator (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// Text as a card can have it: no blanks at its ends, never empty.
    fn text(&mut self, lines: bool) -> String {
        let pieces = [
            "a", "Ж", "山", "'", "\"", "=", "+", "-", "@", ",", ";", "\t", "|", ":::", " ::: ",
            "\\", "* ", "*", " ", "1", "7654321", "/", "(", "\\:::", "🎂", "é", "sep=;", "SMTP",
            "n", "<", ">", ".", "#",
        ];
        let text: String = (0..1 + self.below(8))
            .map(|_| if lines && self.below(6) == 0 { "\n" } else { self.pick(&pieces) })
            .collect();
        let text = text.replace('\t', if lines { "\t" } else { " " });
        let text = text.trim();
        if text.is_empty() { "x".to_owned() } else { text.to_owned() }
    }

    fn some(&mut self, lines: bool) -> Option<String> {
        if self.below(3) == 0 { None } else { Some(self.text(lines)) }
    }

    fn label(&mut self) -> Option<String> {
        let known =
            ["home", "work", "mobile", "main", "fax", "home fax", "work fax", "pager", "other"];
        match self.below(3) {
            0 => None,
            1 => some(self.pick(&known)),
            _ => self.some(false),
        }
    }

    fn date(&mut self) -> PartialDate {
        let year = [None, Some(1), Some(1990), Some(2062), Some(9999)];
        PartialDate {
            year: self.pick(&year),
            month: 2 + self.below(11) as u32,
            day: 1 + self.below(28) as u32,
        }
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Random) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| one(self)).collect()
    }

    fn entries(&mut self, value: impl Fn(&mut Random) -> String) -> Vec<Entry> {
        let mut list = self.list(|r| Entry { value: value(r), label: r.label(), primary: false });
        if !list.is_empty() {
            let at = self.below(list.len());
            list[at].primary = true;
        }
        list
    }

    fn details(&mut self) -> Details {
        let mut addresses = self.list(|r| Address {
            label: r.label(),
            street: Some(r.text(true)),
            po_box: r.some(false),
            extended: r.some(false),
            city: r.some(false),
            region: r.some(false),
            postal_code: r.some(false),
            country: r.some(false),
            primary: false,
        });
        if !addresses.is_empty() {
            let at = self.below(addresses.len());
            addresses[at].primary = true;
        }
        let mut labels = self.list(|r| r.text(false));
        labels.sort_by_key(|label| label.to_lowercase());
        labels.dedup_by_key(|label| label.to_lowercase());
        Details {
            display_name: self.text(false),
            prefix: self.some(false),
            first_name: self.some(false),
            middle_name: self.some(false),
            last_name: self.some(false),
            suffix: self.some(false),
            nickname: self.some(false),
            organization: self.some(false),
            department: self.some(false),
            job_title: self.some(false),
            emails: self.entries(|r| vcard::clean_email(&r.text(false)) + "x"),
            phones: self.entries(|r| match r.below(3) {
                0 => r
                    .pick(&[
                        "030 1234567, 030 7654321",
                        "'030",
                        "+1 555 010 0003/+1 555 010 0004",
                        "+15550100,,12",
                        "-",
                        "15",
                    ])
                    .to_owned(),
                _ => vcard::clean_phone(&format!("1{}", r.text(false))),
            }),
            addresses,
            urls: self.list(|r| Labelled { value: r.text(false), label: r.label() }),
            birthday: (self.below(2) == 0).then(|| self.date()),
            dates: self.list(|r| DateEntry { value: r.date(), label: r.label() }),
            relations: self.list(|r| Labelled { value: r.text(false), label: r.label() }),
            online: self.list(|r| Online {
                service: r.some(false),
                value: r.text(false),
                label: r.label(),
            }),
            additional_data: self.some(true),
            labels,
        }
    }
}

#[test]
fn what_was_written_is_read_as_the_same() {
    let mut random = Random(0x5eed_cafe);
    for round in 0..300 {
        let contacts: Vec<Details> = (0..1 + random.below(4)).map(|_| random.details()).collect();
        let text = written(&contacts);
        let table = table::read(&text, &Options::default()).unwrap();
        let rows: Vec<Details> = table.rows().map(|row| row.unwrap().details).collect();
        assert_eq!(rows.len(), contacts.len(), "round {round}:\n{text}");
        for (row, contact) in rows.iter().zip(&contacts) {
            assert_eq!(row, contact, "round {round}:\n{text}");
        }
    }
}

#[test]
fn card_table_and_card_say_the_same() {
    let mut random = Random(0xcafe_5eed);
    for round in 0..100 {
        let mut card = Card::new("u");
        card.set(&random.details());
        let details = card.details();
        let text = written(std::slice::from_ref(&details));
        assert_eq!(again(&text), std::slice::from_ref(&details), "round {round}:\n{text}");
        let mut other = Card::new("u");
        other.set(&again(&text)[0]);
        assert_eq!(other.details(), details, "round {round}:\n{text}");
    }
}

#[test]
fn a_written_table_has_no_leftovers() {
    let mut contact = ann();
    contact.dates = vec![DateEntry {
        value: PartialDate { year: None, month: 2, day: 29 },
        label: some("anniversary"),
    }];
    contact.online =
        vec![Online { service: some("matrix"), value: "@jo:x.example".to_owned(), label: None }];
    contact.relations = vec![Labelled { value: "Eve".to_owned(), label: some("sister") }];
    assert_eq!(again(&written(std::slice::from_ref(&contact))), [contact]);
}

/// `count` entries of each list, of which each says something else.
fn crowded(count: usize) -> Details {
    const LABELS: [Option<&str>; 6] =
        [None, Some("home"), Some("work fax"), Some("a ::: b"), Some("* boat"), Some("=x")];
    const PHONES: [&str; 6] =
        ["*21#", "+49 30 1", "0301234567/7654321", "5550101,", "ask Bob", "030 1, 030 2"];
    const TEXTS: [&str; 6] = ["a ::: b", "=1+1", "x:::", "\\:::", "two\nlines", "'quoted"];
    let label = |at: usize| LABELS[at % LABELS.len()].map(str::to_owned);
    let text = |at: usize| format!("{} {at}", TEXTS[at % TEXTS.len()]);
    let line = |at: usize| text(at).replace('\n', " ");
    let some_of = |every: usize, at: usize| at.is_multiple_of(every).then(|| text(at));
    let entry =
        |value: String, at: usize| Entry { value, label: label(at), primary: at + 1 == count };
    let labelled = |at: usize| Labelled { value: line(at), label: label(at) };
    let all = || 0..count;
    Details {
        emails: all().map(|at| entry(format!("a{at}@x.example"), at)).collect(),
        phones: all().map(|at| entry(PHONES[at % PHONES.len()].to_owned(), at)).collect(),
        addresses: all()
            .map(|at| Address {
                street: some_of(2, at + 1),
                city: some_of(3, at),
                country: Some(text(at)),
                label: label(at),
                primary: at + 1 == count,
                ..Address::default()
            })
            .collect(),
        urls: all().map(labelled).collect(),
        dates: all()
            .map(|at| DateEntry {
                value: PartialDate {
                    year: (at % 2 == 0).then_some(1990),
                    month: 4,
                    day: 1 + at as u32 % 28,
                },
                label: label(at),
            })
            .collect(),
        relations: all().map(labelled).collect(),
        online: all()
            .map(|at| Online {
                service: (at % 3 > 0).then(|| line(at)),
                value: line(at + 1),
                label: label(at),
            })
            .collect(),
        ..ann()
    }
}

#[test]
fn as_many_entries_as_a_contact_may_have_come_back() {
    for count in [49, 50] {
        let text = written(&[crowded(count), ann()]);
        assert_eq!(again(&text), [crowded(count), ann()], "{count}");
    }
}

/// A card of a phone may have thousands, which would make each row of the table as long.
#[test]
fn what_is_past_fifty_entries_stands_in_the_last_column() {
    let columns = |text: &str| text.lines().next().unwrap().split(',').count();
    for count in [51, 52, 99, 120, 3_000] {
        let text = written(&[crowded(count), crowded(3), ann()]);
        assert_eq!(columns(&text), 1_063);
        assert_eq!(again(&text), [crowded(count), crowded(3), ann()], "{count}");
    }
}
