//! Who keeps a copy of the book: by the change feed, and by CardDAV's sync token.

use super::reached;
use crate::phone::{DAV, Phone};
use serde_json::Value;
use std::collections::BTreeMap;
use support::dice::Dice;
use support::world::{Actor, World};

/// Whether a follower had to begin again with reason: deletions were forgotten since it began.
#[track_caller]
fn begins_again(world: &World, owner: i64, listing: Option<i64>) {
    if let Some(began) = listing {
        let forgotten = reached(world, owner).forgotten;
        assert!(forgotten > began, "a listing that began at {began}, forgotten {forgotten}");
    }
}

/// Now and then a follower begins anew.
fn anew(dice: &mut Dice) -> bool {
    dice.below(25) == 0
}

/// A copy of the book by the change feed.
#[derive(Default)]
pub struct Feed {
    token: Option<String>,
    pub contacts: BTreeMap<i64, Value>,
    /// The revision at which the listing that goes on began, or one before it.
    listing: Option<i64>,
}

impl Feed {
    /// One page; true if there was a change.
    pub fn follow(&mut self, world: &World, ann: &Actor, dice: &mut Dice) -> bool {
        let since = self.token.as_ref().map(|it| format!("&since={it}")).unwrap_or_default();
        if self.token.is_none() {
            self.listing = Some(reached(world, ann.id).revision);
        }
        let page = ann.get(&format!("/api/contacts/changes?limit={}{since}", 1 + dice.below(3)));
        if page.status == 410 {
            begins_again(world, ann.id, self.listing);
            *self = Feed::default();
            return true;
        }
        let page = page.expect(200).json();
        for change in page["changes"].as_array().unwrap() {
            let id = change["id"].as_i64().unwrap();
            assert_eq!(change["deleted"], change["contact"].is_null(), "{change}");
            match &change["contact"] {
                Value::Null => self.contacts.remove(&id),
                contact => self.contacts.insert(id, contact.clone()),
            };
        }
        let next = page["next"].as_str().unwrap().to_owned();
        let moved = self.token.replace(next.clone()) != Some(next);
        if page["more"] == false {
            self.listing = None;
        }
        moved || page["more"] == true
    }

    /// The same while others write.
    pub fn follow_or_begin(&mut self, world: &World, ann: &Actor, dice: &mut Dice) {
        if anew(dice) {
            *self = Feed::default();
        }
        self.follow(world, ann, dice);
    }
}

/// A copy of the book by CardDAV's sync token.
#[derive(Default)]
pub struct Sync {
    token: String,
    pub cards: BTreeMap<String, String>,
    listing: Option<i64>,
}

impl Sync {
    /// One answer; true if there was a change.
    pub fn follow(&mut self, world: &World, phone: &Phone, dice: &mut Dice) -> bool {
        let limit = match dice.below(4) {
            0 => String::new(),
            _ => format!("<D:limit><D:nresults>{}</D:nresults></D:limit>", 1 + dice.below(3)),
        };
        if self.token.is_empty() {
            self.listing = Some(reached(world, phone.id).revision);
        }
        let answer = phone.sync_with(&[("Depth", "0")], &self.token, &limit);
        if answer.status == 403 {
            assert!(answer.text().contains("valid-sync-token"), "{}", answer.text());
            begins_again(world, phone.id, self.listing);
            *self = Sync::default();
            return true;
        }
        let answer = answer.expect(207).multi();
        let mut truncated = false;
        for it in &answer.responses {
            let name = phone.name_of(&it.href);
            match it.status.as_deref() {
                None => drop(self.cards.insert(name, it.get(DAV, "getetag").text)),
                Some("HTTP/1.1 404 Not Found") => drop(self.cards.remove(&name)),
                Some(status) => {
                    assert!(status.contains("507"), "{it:?}");
                    truncated = true;
                }
            }
        }
        if !truncated {
            self.listing = None;
        }
        std::mem::replace(&mut self.token, answer.token().to_owned()) != answer.token()
    }

    /// The same while others write.
    pub fn follow_or_begin(&mut self, world: &World, phone: &Phone, dice: &mut Dice) {
        if anew(dice) {
            *self = Sync::default();
        }
        self.follow(world, phone, dice);
    }
}
