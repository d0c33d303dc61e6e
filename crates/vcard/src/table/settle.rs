//! What one header of a table says only beside the others.

use super::columns::{Column, Layout, Meaning};
use super::words::{self, Member, Part};

/// Headers of whole names that are surnames beside given names: `Name;Vorname`, `Naam;Voornaam`.
const SURNAMES: [&str; 6] = ["name", "naam", "namn", "navn", "nimi", "nev"];
/// Those that are given names beside surnames.
const GIVEN_NAMES: [&str; 8] = ["이름", "isim", "الاسم", "نام", "tên", "ชื่อ", "नाम", "nama"];

impl Layout {
    /// `Title` is a form of address where no cell of it says anything else, and one can be nothing else.
    pub(super) fn settle_titles(&mut self) {
        if self.columns.iter().any(|c| c.meaning == Meaning::Member(Member::Prefix)) {
            return;
        }
        let is = |c: &&mut Column| {
            c.meaning == Meaning::Member(Member::Title) && c.addresses && c.forms == c.used
        };
        if let Some(column) = self.columns.iter_mut().find(is) {
            column.meaning = Meaning::Member(Member::Prefix);
        }
    }

    /// Settles what one header alone does not say. `Title` is a form of address where the table
    /// also has a job title or a suffix, as Outlook's has, the first of two is one, and `Titel` beside
    /// `Anrede`. `Geburtstag` is the day of the month where there is `Geburtsmonat`, as in Thunderbird.
    pub(super) fn settle(&mut self) {
        let has = |member| self.columns.iter().any(|c| c.meaning == Meaning::Member(member));
        let count = |is: fn(&Column) -> bool| self.columns.iter().filter(|c| is(c)).count();
        // `Title` behind the names is the job where `Role` stands beside it, as in KAddressBook and Evolution.
        let first = |names: &[Member]| {
            let is = |c: &Column| names.iter().any(|name| c.meaning == Meaning::Member(*name));
            self.columns.iter().position(is)
        };
        let behind = first(&[Member::Title]) > first(&[Member::First, Member::Full]);
        let is_job = |c: &Column| c.meaning == Meaning::Member(Member::JobTitle);
        let has_job = self.columns.iter().any(|c| is_job(c) && !(behind && c.key.word == "role"));
        // `Title 1` and `Title 2` are two jobs.
        let is_title =
            |c: &Column| c.meaning == Meaning::Member(Member::Title) && c.key.number.is_none();
        let mut addressed = count(is_title) > 1
            || count(|c| c.key.word == "anrede") > 0
            || !has(Member::Prefix) && (has_job || has(Member::Suffix));
        let split_birthday = has(Member::BirthMonth);
        let name_is_last = has(Member::First) && !has(Member::Last);
        let name_is_first = has(Member::Last) && !has(Member::First);
        // `Home Address` beside `Home Street` is the whole of it, in Google's table for Outlook.
        let streets = self.columns.iter().filter(|c| c.key.word.contains("street"));
        let streets: Vec<Meaning> = streets.map(|c| c.meaning).collect();
        for column in &mut self.columns {
            let word = column.key.word.as_str();
            let member = match column.meaning {
                Meaning::Part(slot, Part::Street)
                    if streets.contains(&column.meaning)
                        && word.ends_with("address")
                        && word != "address"
                        && !word.contains("street") =>
                {
                    column.meaning = Meaning::Part(slot, Part::Formatted);
                    continue;
                }
                Meaning::Member(Member::Title) if addressed => {
                    addressed = false;
                    Member::Prefix
                }
                Meaning::Member(Member::Birthday) if split_birthday => Member::BirthDay,
                Meaning::Member(Member::Full) if name_is_last && SURNAMES.contains(&word) => {
                    Member::Last
                }
                Meaning::Member(Member::Full)
                    if name_is_first && GIVEN_NAMES.iter().any(|it| words::fold(it) == word) =>
                {
                    Member::First
                }
                _ => continue,
            };
            column.meaning = Meaning::Member(member);
        }
    }
}
