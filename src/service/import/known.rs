//! Which contacts say everything that a card without a uid says. Only hashes are kept, of contacts with
//! the names that the file has: a book may have thousands of one name.

use crate::db::Conn;
use crate::error::Result;
use crate::model::contact::Columns;
use crate::repository::contacts::imports;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use vcard::{Card, fold};

/// Of so many contacts of one name it is known all that they say. Past that a card is a duplicate only
/// of one that says exactly the same.
const NAMESAKES_MAX: usize = 200;

/// What contacts of some names say.
#[derive(Default)]
pub struct Known {
    /// Names that were looked up.
    loaded: HashSet<(String, String)>,
    /// What each card says, as one hash.
    exactly: HashSet<u64>,
    /// What each says, sorted, by the folded full name.
    namesakes: HashMap<u64, Vec<Box<[u64]>>>,
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Of a card's display name, folded.
pub fn name_hash(card: &Card) -> u64 {
    hash(fold(&card.details().display_name))
}

/// What a card says, the parts of its name included.
fn statements(card: &Card) -> Box<[u64]> {
    let details = card.details();
    let parts = [
        &details.prefix,
        &details.first_name,
        &details.middle_name,
        &details.last_name,
        &details.suffix,
    ];
    let parts = parts.into_iter().enumerate();
    let parts = parts.filter_map(|(at, part)| Some(hash((at, fold(part.as_ref()?)))));
    let mut all: Vec<u64> = parts.chain(card.statements().into_iter().map(hash)).collect();
    all.sort_unstable();
    all.dedup();
    all.into()
}

/// Everything that a card says, its pictures included: two cards that differ in nothing else are two people.
fn exact(card: &Card, name: u64, said: &[u64]) -> u64 {
    let photos = card.lines().filter(|line| line.is("PHOTO"));
    hash((name, said, photos.map(|line| hash(line.value())).collect::<Vec<_>>()))
}

impl Known {
    /// Learns of the contacts that were there at this revision with the names of these cards.
    pub fn load(&mut self, db: &mut Conn, owner: i64, at: i64, cards: &[&Card]) -> Result<()> {
        let names = cards.iter().map(|card| {
            let columns = Columns::of(card);
            (columns.sort_name, columns.sort_more)
        });
        let new: Vec<_> = names.filter(|name| self.loaded.insert(name.clone())).collect();
        if new.is_empty() {
            return Ok(());
        }
        imports::each_named(db, owner, at, &new, |text| {
            let card = Card::stored(text);
            let (name, said) = (name_hash(&card), statements(&card));
            self.exactly.insert(exact(&card, name, &said));
            let namesakes = self.namesakes.entry(name).or_default();
            if namesakes.len() < NAMESAKES_MAX {
                namesakes.push(said);
            }
        })
    }

    /// Learns of a card that comes in. Only one that says the same is a duplicate of it: two rows of a file,
    /// of which one says more, are two people (`files.md`, 2).
    pub fn remember(&mut self, card: &Card) {
        self.exactly.insert(exact(card, name_hash(card), &statements(card)));
    }

    /// True if a contact that was there has the name of this card and says everything that it says, or a
    /// card that came in says exactly the same.
    pub fn says_all_of(&self, card: &Card) -> bool {
        let (name, said) = (name_hash(card), statements(card));
        let more = |other: &[u64]| said.iter().all(|one| other.binary_search(one).is_ok());
        self.exactly.contains(&exact(card, name, &said))
            || self.namesakes.get(&name).into_iter().flatten().any(|other| more(other))
    }
}
