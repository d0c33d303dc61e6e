//! A phone: it holds cards of its own, follows the book by sync-collection and multiget, and writes
//! with `If-Match`. After whatever was not acknowledged it syncs before it writes again.

use super::chronicle::{Chronicle, Editor, FULL, Wish};
use super::wire::{Line, Multi, Outcome, multi};
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::Ordering::SeqCst;
use support::dice::Dice;

const NAMESPACES: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:carddav\"";

/// What an ETag of a card stands for must be the same for everybody (rule 64).
pub type Seen = Mutex<HashMap<(String, String), String>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Empty: the server has changed the card that was sent, and it has to be read.
    pub etag: String,
    pub card: String,
}

pub struct Phone<'a> {
    pub name: &'static str,
    pub line: Line,
    pub book: String,
    /// Asks for so many changes at a time; 0 for all.
    pub page: usize,
    pub seen: &'a Seen,
    pub held: BTreeMap<String, Held>,
    token: String,
    stale: bool,
    dice: Dice,
}

impl<'a> Phone<'a> {
    pub fn new(name: &'static str, line: Line, book: &str, page: usize, seen: &'a Seen) -> Self {
        let (held, token, dice) = (BTreeMap::new(), String::new(), Dice::new(page as u64 + 7));
        Phone { name, line, book: book.to_owned(), page, seen, held, token, stale: true, dice }
    }

    fn report(&self, chronicle: &Chronicle, body: &str) -> Option<Multi> {
        let headers = "Content-Type: application/xml; charset=utf-8\r\nDepth: 0\r\n";
        let answer = match self.line.send("REPORT", &self.book, headers, body) {
            Outcome::Done(answer) => answer,
            Outcome::TooLate(answer) => {
                chronicle.wrong(format!("{}: REPORT {}", self.name, answer.head));
                return None;
            }
            Outcome::Wrong(what) => {
                chronicle.wrong(what);
                return None;
            }
            Outcome::Perhaps | Outcome::NotSent => return None,
        };
        // A streamed answer may end in the middle when Postgres does: then it is no XML.
        multi(&answer.body, &self.book).map_err(|what| chronicle.wrong(what)).ok()
    }

    /// One page of changes; true when there are more, `None` when it failed and changed nothing.
    fn page(&mut self, chronicle: &Chronicle) -> Option<bool> {
        let limit = match self.page {
            0 => String::new(),
            page => format!("<D:limit><D:nresults>{page}</D:nresults></D:limit>"),
        };
        let body = format!(
            "<D:sync-collection {NAMESPACES}><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level>\
             {limit}<D:prop><D:getetag/></D:prop></D:sync-collection>",
            self.token
        );
        let changes = self.report(chronicle, &body)?;
        let (there, gone): (Vec<_>, Vec<_>) = changes.said.iter().partition(|it| it.there);
        let news = |href: &str, etag: &str| self.held.get(href).is_none_or(|it| it.etag != etag);
        let wanted: Vec<_> =
            there.iter().filter(|it| news(&it.href, &it.etag)).map(|it| it.href.clone()).collect();
        for some in wanted.chunks(50) {
            self.fetch(chronicle, some)?;
        }
        for it in gone {
            self.held.remove(&it.href);
        }
        // Only now: had anything failed, these changes would be asked for again.
        self.token = changes.token?;
        Some(changes.more)
    }

    fn fetch(&mut self, chronicle: &Chronicle, hrefs: &[String]) -> Option<()> {
        let hrefs: String = hrefs.iter().map(|it| format!("<D:href>{it}</D:href>")).collect();
        let body = format!(
            "<C:addressbook-multiget {NAMESPACES}><D:prop><D:getetag/><C:address-data/></D:prop>{hrefs}\
             </C:addressbook-multiget>"
        );
        for it in self.report(chronicle, &body)?.said {
            match it.card {
                Some(card) if it.there => {
                    let mut seen = self.seen.lock().unwrap();
                    let known = seen
                        .entry((it.href.clone(), it.etag.clone()))
                        .or_insert_with(|| card.clone());
                    if *known != card {
                        chronicle.wrong(format!("{} is {card} and {known}", it.etag));
                    }
                    self.held.insert(it.href, Held { etag: it.etag, card });
                }
                _ => drop(self.held.remove(&it.href)),
            }
        }
        Some(())
    }

    fn put(&mut self, chronicle: &Chronicle, href: &str, wish: Wish, card: String) -> Outcome {
        let condition = match self.held.get(href) {
            Some(held) => format!("If-Match: {}\r\n", held.etag),
            None => "If-None-Match: *\r\n".to_owned(),
        };
        let headers = format!("Content-Type: text/vcard; charset=utf-8\r\n{condition}");
        let send = || self.line.send("PUT", href, &headers, &card);
        let outcome = chronicle.note(&[name_of(&card)], wish, send);
        match &outcome {
            Outcome::Done(answer) => {
                let etag = answer.header("ETag").unwrap_or_default().to_owned();
                self.held.insert(href.to_owned(), Held { etag, card });
            }
            _ => self.stale = true,
        }
        outcome
    }

    /// A card that it holds as the server has it.
    fn some_card(&mut self, fits: impl Fn(&Held) -> bool) -> Option<(String, Held)> {
        let fitting = self.held.iter().filter(|(_, it)| !it.etag.is_empty() && fits(it));
        let fitting: Vec<_> = fitting.collect();
        let (href, held) = fitting.get(self.dice.below(fitting.len()))?;
        Some(((*href).clone(), (*held).clone()))
    }

    fn delete(&mut self, chronicle: &Chronicle) -> Option<Outcome> {
        let (href, held) = self.some_card(|it| chronicle.may_delete(&name_of(&it.card)))?;
        let condition = format!("If-Match: {}\r\n", held.etag);
        let send = || self.line.send("DELETE", &href, &condition, "");
        let outcome = chronicle.note(&[name_of(&held.card)], Wish::Delete, send);
        match outcome {
            Outcome::Done(_) => drop(self.held.remove(&href)),
            _ => self.stale = true,
        }
        Some(outcome)
    }

    fn rename(&mut self, chronicle: &Chronicle, number: usize) -> Option<Outcome> {
        let (href, held) = self.some_card(|_| true)?;
        let to = format!("{}{}-moved-{number}.vcf", self.book, self.name);
        let headers = format!("If-Match: {}\r\nDestination: http://x{to}\r\n", held.etag);
        let send = || self.line.send("MOVE", &href, &headers, "");
        let outcome = chronicle.note(&[name_of(&held.card)], Wish::Touch, send);
        if matches!(outcome, Outcome::Done(_)) {
            self.held.remove(&href);
        }
        self.stale = true;
        Some(outcome)
    }
}

impl Editor for Phone<'_> {
    fn look(&mut self, chronicle: &Chronicle) -> bool {
        chronicle.syncs.fetch_add(1, SeqCst);
        loop {
            match self.page(chronicle) {
                Some(true) => {}
                Some(false) => return true,
                None => return false,
            }
        }
    }

    fn change(&mut self, chronicle: &Chronicle, number: usize) -> Option<Outcome> {
        if self.stale || self.dice.below(4) == 0 {
            self.stale = !self.look(chronicle);
            if self.stale {
                return None;
            }
        }
        let stamp = format!("{}.{number}", self.name);
        match self.dice.below(12) {
            0 | 1 => {
                let name = format!("{}-{number}", self.name);
                let href = format!("{}{name}.vcf", self.book);
                Some(self.put(chronicle, &href, Wish::Create(&stamp), new_card(&name, &stamp)))
            }
            2 => self.delete(chronicle),
            3 => self.rename(chronicle, number),
            _ => {
                let (href, held) = self.some_card(|it| it.card.len() < FULL)?;
                let card = stamped(&held.card, &stamp);
                Some(self.put(chronicle, &href, Wish::Stamp(&stamp), card))
            }
        }
    }
}

pub fn new_card(name: &str, stamp: &str) -> String {
    format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{name}\r\nN:;{name};;;\r\nFN:{name}\r\nTEL;TYPE=cell:+44 20 7946 0000\r\n\
         NOTE:{stamp}\r\nX-KEPT:as it was\r\nEND:VCARD\r\n"
    )
}

/// The card with one more line in its note.
fn stamped(card: &str, stamp: &str) -> String {
    let whole = card.replace("\r\n ", "").replace("\n ", "");
    let lines = whole.lines().map(|line| match line.starts_with("NOTE") {
        true => format!("{line}\\n{stamp}\r\n"),
        false => format!("{line}\r\n"),
    });
    lines.collect()
}

/// The given name in a card.
pub fn name_of(card: &str) -> String {
    let line = card.lines().find_map(|line| line.strip_prefix("N:")).unwrap_or_default();
    line.split(';').nth(1).unwrap_or_default().to_owned()
}
