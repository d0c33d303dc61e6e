//! Which contacts hang together: a disjoint-set forest (union by size) over the keys that they share.
//! No two contacts are compared: contacts with the same key stand beside each other once the keys are
//! sorted. Memory is bounded: `KEYS_MAX` keys of 16 bytes, and about 150 bytes a contact.

use crate::model::alike::{Group, Reason};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

/// Most keys of a book that are looked at, beside one of each kind of every contact: 20 each for a book
/// of 100,000.
const KEYS_MAX: usize = 2_000_000;
/// So many groups of one key are tried for a contact that was dismissed with someone of each.
const TRIES: usize = 100;
/// So many dismissals are looked up in others to see who must stay apart. Past it whoever was dismissed with
/// anyone hangs together only with those who were not.
const LOOKS_MAX: usize = 3_000_000;
/// Single values of a contact that can conflict.
pub const VALUES: usize = 11;

/// What a contact may share with others, as hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hashes {
    /// Addresses, numbers, the full name.
    pub keys: Vec<(Reason, u64)>,
    /// Each single value, 0 where there is none.
    pub values: [u64; VALUES],
    /// It may have a value that conflicts, and is not known.
    pub conflict: bool,
}

/// A contact, and at the root of a tree what is known of the whole set.
#[derive(Debug, Default)]
struct Node {
    parent: u32,
    size: u32,
    values: [u64; VALUES],
    conflict: bool,
    /// Some belong here by their name only.
    by_name: bool,
    /// Dismissals that its contacts were in. No set has two contacts of one dismissal, so two sets with
    /// a dismissal in common must stay apart.
    #[expect(clippy::box_collection, reason = "most have none, and there are 100,000 nodes")]
    dismissals: Option<Box<HashSet<i64>>>,
}

impl Node {
    fn absorb(&mut self, other: &mut Node, by_name: bool) {
        self.size += other.size;
        self.conflict |= other.conflict;
        self.by_name |= other.by_name || by_name;
        for (mine, theirs) in self.values.iter_mut().zip(other.values) {
            self.conflict |= *mine != 0 && theirs != 0 && *mine != theirs;
            *mine = if *mine == 0 { theirs } else { *mine };
        }
        let theirs = other.dismissals.take();
        match (&mut self.dismissals, theirs) {
            (Some(mine), Some(mut theirs)) => {
                if mine.len() < theirs.len() {
                    std::mem::swap(mine, &mut theirs);
                }
                mine.extend(*theirs);
            }
            (mine, Some(theirs)) => *mine = Some(theirs),
            _ => {}
        }
    }

    /// Whether these may be one set. `looks` grows by the dismissals that are looked up for that.
    fn may_join(&self, other: &Node, looks: &mut usize) -> bool {
        let (Some(mine), Some(theirs)) = (&self.dismissals, &other.dismissals) else { return true };
        *looks += mine.len().min(theirs.len());
        *looks <= LOOKS_MAX && mine.is_disjoint(theirs)
    }
}

/// Takes contacts one by one, then finds the groups.
#[derive(Debug, Default)]
pub struct Finder {
    ids: Vec<i64>,
    nodes: Vec<Node>,
    /// With the position of the contact.
    keys: Vec<(Reason, u64, u32)>,
    /// Dismissals that were looked up.
    looks: usize,
}

impl Finder {
    /// Takes a contact. Their ids ascend.
    pub fn add(&mut self, id: i64, hashes: Hashes) {
        let Ok(at) = u32::try_from(self.nodes.len()) else { return };
        let mut last = None;
        for (reason, key) in hashes.keys {
            // In a book of very many keys only the first of each kind count.
            if self.keys.len() < KEYS_MAX || last != Some(reason) {
                self.keys.push((reason, key, at));
            }
            last = Some(reason);
        }
        self.ids.push(id);
        let Hashes { values, conflict, .. } = hashes;
        self.nodes.push(Node { parent: at, size: 1, values, conflict, ..Node::default() });
    }

    /// Notes that a contact was in a dismissal.
    pub fn dismiss(&mut self, id: i64, dismissal: i64) {
        let at = self.ids.binary_search(&id).ok();
        if let Some(node) = at.and_then(|at| self.nodes.get_mut(at)) {
            node.dismissals.get_or_insert_default().insert(dismissal);
        }
    }

    fn root(&self, mut at: u32) -> u32 {
        // Union by size: no path is longer than log2 of the number of contacts.
        while let Some(node) = self.nodes.get(at as usize).filter(|node| node.parent != at) {
            at = node.parent;
        }
        at
    }

    /// Puts two contacts into one set; false if the sets must stay apart.
    fn unite(&mut self, a: u32, b: u32, by_name: bool) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        let Ok([one, two]) = self.nodes.get_disjoint_mut([a as usize, b as usize]) else {
            return true; // they are one already
        };
        if !one.may_join(two, &mut self.looks) {
            return false;
        }
        if one.size >= two.size {
            one.absorb(two, by_name);
            two.parent = a;
        } else {
            two.absorb(one, by_name);
            one.parent = b;
        }
        true
    }

    /// The groups, likeliest first. Once: the keys are gone then.
    pub fn groups(&mut self) -> Vec<Group> {
        let mut keys = std::mem::take(&mut self.keys);
        // By reason first: whoever could belong to two groups that must stay apart goes where an address
        // leads, then a number, then the name.
        keys.sort_unstable();
        keys.dedup();
        let same = |a: &(Reason, u64, u32), b: &(Reason, u64, u32)| (a.0, a.1) == (b.0, b.1);
        let shared = || keys.chunk_by(same).filter(|run| run.len() > 1);
        for run in shared() {
            let mut heads: Vec<u32> = Vec::new();
            for (reason, _, contact) in run {
                let by_name = *reason == Reason::Name;
                let tries = if self.looks < LOOKS_MAX { TRIES } else { 1 };
                let mut some = heads.iter().take(tries);
                if !some.any(|head| self.unite(*head, *contact, by_name)) {
                    heads.push(*contact);
                }
            }
        }
        let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
        for (at, id) in (0..).zip(&self.ids) {
            let root = self.root(at);
            let Some(node) = self.nodes.get(root as usize).filter(|node| node.size > 1) else {
                continue;
            };
            let likely = !node.by_name && !node.conflict;
            let new = || Group { contacts: Vec::new(), reasons: Vec::new(), likely };
            groups.entry(root).or_insert_with(new).contacts.push(*id);
        }
        for run in shared() {
            let mut roots: Vec<_> = run.iter().map(|(.., contact)| self.root(*contact)).collect();
            roots.sort_unstable();
            for two in roots.chunk_by(|a, b| a == b).filter(|same| same.len() > 1) {
                let group = two.first().and_then(|root| groups.get_mut(root));
                if let (Some(group), Some((reason, ..))) = (group, run.first()) {
                    group.reasons.push(*reason);
                    group.reasons.dedup();
                }
            }
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.sort_by_cached_key(|it| {
            let has = |reason| it.reasons.contains(&reason);
            let weight = [Reason::Email, Reason::Phone, Reason::Name].map(has);
            (Reverse((it.likely, weight)), it.contacts.first().copied())
        });
        groups
    }
}

#[cfg(test)]
mod tests;
