//! Rule 39 with random cards: whatever is PUT and can be read comes back with the same lines, also
//! after each REST change of another member.

use crate::cards::read_by_others;
use crate::phone::{ann, card};
use serde_json::json;
use support::dice::Dice;

/// Cards by chance: the same ones in each run.
struct Random(Dice);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        self.0.pick(of)
    }

    fn value(&mut self) -> String {
        const WORDS: [&str; 14] = [
            "Ann",
            "Müller",
            "Їжак",
            "a\\;b",
            "c\\,d",
            "\"q\"",
            "one\\ntwo",
            "x:y",
            "山田太郎",
            "🎂👩‍👩‍👧",
            "https://x.example/?a=b&c=<d>",
            "+49 30 1234",
            "a@x.example",
            "e\u{301}",
        ];
        let words: Vec<_> = (0..=self.below(4)).map(|_| self.one(&WORDS)).collect();
        words.join(" ")
    }

    /// A line that none of the changes below is about.
    fn line(&mut self, number: usize) -> String {
        const NAMES: [&str; 16] = [
            "X-ODD",
            "X-SAME",
            "x-lower",
            "TEL",
            "EMAIL",
            "URL",
            "IMPP",
            "X-SOCIALPROFILE",
            "ROLE",
            "LABEL",
            "X-ABRELATEDNAMES",
            "KEY",
            "TZ",
            "X-PHONETIC-FIRST-NAME",
            "CLASS",
            "SOURCE",
        ];
        const PARAMETERS: [&str; 8] = [
            ";TYPE=home",
            ";TYPE=WORK,pref",
            ";TYPE=cell;TYPE=voice",
            ";X-P=\"a;b,c:d\"",
            ";X-UNKNOWN=1",
            ";LANGUAGE=uk",
            ";X-EMPTY=",
            "",
        ];
        let group = if self.below(3) == 0 { format!("item{number}.") } else { String::new() };
        let line = match self.below(8) {
            0 => format!(
                "ADR{}:;;{};City;;1{number};",
                self.one(&PARAMETERS),
                self.one(&["a\\, b", "Б 5"])
            ),
            1 => "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRg==".to_owned(),
            _ => format!("{}{}:{}", self.one(&NAMES), self.one(&PARAMETERS), self.value()),
        };
        let label = format!("\r\n{group}X-ABLabel:{}", self.one(&["boat house", "_$!<Other>!$_"]));
        let label = if group.is_empty() { String::new() } else { label };
        folded(&format!("{group}{line}")) + &label
    }
}

/// Folded as any program may: at 75 octets, never inside a character.
fn folded(line: &str) -> String {
    let (mut out, mut width) = (String::new(), 0);
    for c in line.chars() {
        if width + c.len_utf8() > 74 {
            out += "\r\n ";
            width = 1;
        }
        out.push(c);
        width += c.len_utf8();
    }
    out
}

/// The lines of a card, whole and sorted, without those of the changed members and of the writer.
fn others(card: &str) -> Vec<String> {
    const CHANGED: [&str; 5] = ["TITLE", "NICKNAME", "NOTE", "REV", "PRODID"];
    let whole = card.replace("\r\n ", "");
    let name = |line: &str| line.split([':', ';']).next().unwrap_or_default().to_owned();
    let kept = whole.lines().filter(|line| !CHANGED.contains(&name(line).as_str()));
    let mut lines: Vec<_> = kept.map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn rule_39_random_cards_keep_their_lines_through_every_change_of_another_member() {
    let (_ground, ann, phone) = ann();
    let mut random = Random(Dice::new(0x2026_1128));
    for number in 0..20 {
        let lines: Vec<_> = (0..=random.below(12)).map(|at| random.line(at)).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let (name, uid) = (format!("r{number}.vcf"), format!("r{number}"));
        let text = card(&uid, "Random", &lines);
        let put = phone.put(&name, &text).expect(201);
        assert!(!put.header("ETag").is_empty(), "stored as sent: {text}");
        assert_eq!(phone.get(&name).expect(200).text(), text);
        let found = ann.get("/api/contacts?sort=-created_at&limit=1").expect(200).json();
        assert_eq!(found[0]["uid"], uid);
        let path = format!("/api/contacts/{}", found[0]["id"]);
        let changes = [
            json!({"job_title": "Boss; of all"}),
            json!({"nickname": "Nick"}),
            json!({"additional_data": "a\nb"}),
            json!({"job_title": null, "nickname": null, "additional_data": null}),
        ];
        for change in changes {
            ann.patch(&path, change.clone()).expect(200);
            let after = phone.get(&name).expect(200).text();
            assert_eq!(others(&after), others(&text), "{change}: {text}");
            assert!(after.lines().all(|line| line.len() <= 75 || text.contains(line)), "{after}");
            read_by_others(&after);
        }
        // What a phone reads may be sent back as it is.
        let stored = phone.get(&name).expect(200).text();
        phone.put(&name, &stored).expect(204);
        assert_eq!(phone.get(&name).text(), stored);
    }
}
