//! Which contacts say everything that a card without a uid says. Only hashes are kept, of contacts with
//! the names that the file has: a book may have thousands of one name.

use crate::db::Conn;
use crate::error::Result;
use crate::model::contact::Columns;
use crate::repository::contacts::imports;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use vcard::{Card, fold};

/// How many contacts with a rare statement of a card are looked at: more have it only in a file that is
/// made to be slow, and there a duplicate may come in.
const CANDIDATES_MAX: usize = 200;

/// What contacts of some names say.
#[derive(Default)]
pub struct Known {
    /// Names that were looked up.
    loaded: HashSet<(String, String)>,
    /// What each contact says, sorted.
    contacts: Vec<Box<[u64]>>,
    /// Contacts by their folded full name and one thing that they say.
    saying: HashMap<(u64, u64), Vec<u32>>,
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

/// What a card says, beginning with its name, so that there is always something.
fn statements(card: &Card) -> Box<[u64]> {
    let details = card.details();
    let parts = [
        &details.prefix,
        &details.first_name,
        &details.middle_name,
        &details.last_name,
        &details.suffix,
    ];
    let parts = parts
        .into_iter()
        .enumerate()
        .filter_map(|(at, part)| Some(hash((at, fold(part.as_ref()?)))));
    let said = card.statements().into_iter().map(hash);
    let mut all: Vec<u64> = [hash(())].into_iter().chain(parts).chain(said).collect();
    all.sort_unstable();
    all.dedup();
    all.into()
}

impl Known {
    /// Learns of the contacts that are there with the names of these cards.
    pub fn load(&mut self, db: &mut Conn, owner: i64, cards: &[&Card]) -> Result<()> {
        let names = cards.iter().map(|card| {
            let columns = Columns::of(card);
            (columns.sort_name, columns.sort_more)
        });
        let new: Vec<_> = names.filter(|name| self.loaded.insert(name.clone())).collect();
        if new.is_empty() {
            return Ok(());
        }
        imports::each_named(db, owner, &new, |text| self.remember(&Card::stored(text)))
    }

    /// Learns of a card that comes in.
    pub fn remember(&mut self, card: &Card) {
        let (name, said) = (name_hash(card), statements(card));
        let Ok(place) = u32::try_from(self.contacts.len()) else { return };
        for one in &said {
            self.saying.entry((name, *one)).or_default().push(place);
        }
        self.contacts.push(said);
    }

    /// True if one contact has the name of this card and says everything that it says.
    pub fn says_all_of(&self, card: &Card) -> bool {
        let (name, said) = (name_hash(card), statements(card));
        let each: Option<Vec<_>> = said.iter().map(|one| self.saying.get(&(name, *one))).collect();
        // Somebody has to say the rarest of it.
        let rarest = each.and_then(|each| each.into_iter().min_by_key(|places| places.len()));
        let candidates = rarest.into_iter().flatten().take(CANDIDATES_MAX);
        candidates
            .filter_map(|place| self.contacts.get(*place as usize))
            .any(|contact| said.iter().all(|one| contact.binary_search(one).is_ok()))
    }
}
