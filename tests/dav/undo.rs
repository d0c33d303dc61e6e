//! Undo and following while everything is under way: two REST clients (one at a replica whose clock is
//! ahead) and a phone change one book at once in whatever way there is, and what is old is purged, while a
//! follower of the change feed and one of CardDAV's sync tokens keep a copy of it, in small pages. In the
//! end both copies are the book, and it can be rewound to each state that it had, by any revision and any
//! instant that history reaches.

mod followers;
mod writers;

use crate::phone::{Ground, Phone};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use contactd::error::Error;
use contactd::repository::contacts::{books, trash};
use followers::{Feed, Sync};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use support::dice::Dice;
use support::world::{Actor, World, optional_variable};
use writers::{change, fine, listed, put};

const NAMES: [&str; 6] = ["Ann", "Bob", "Carol", "Dan", "Єва", "Fritz"];
const LABELS: [&str; 4] = ["red", "Green", "blue", "RED"];
/// Cards that phones and files bring have uids of a few, so that they meet.
const UIDS: usize = 12;
/// Most contacts that are kept: past that more is deleted than made.
const MANY: usize = 40;

/// All cards by id, groups too, and whether they lie in the trash.
type Book = BTreeMap<i64, (bool, String)>;

/// What the book was after a commit, and when that was.
#[derive(Clone)]
struct State {
    at: DateTime<Utc>,
    book: Book,
}

/// States of the book by their revisions.
#[derive(Default)]
struct Past(Mutex<BTreeMap<i64, State>>);

impl Past {
    /// One statement, so it is one state.
    fn note(&self, world: &World, owner: i64) -> i64 {
        const SQL: &str = "SELECT revision, changed_at, id, card, in_trash FROM (
                SELECT owner, revision, changed_at FROM address_books WHERE owner = $1
            ) AS book LEFT JOIN (
                SELECT owner, id, card, deleted_at IS NOT NULL AS in_trash FROM contacts
                WHERE owner = $1
            ) AS there USING (owner)";
        let rows = world.app.db.read(|db| db.query(SQL, &[&owner])).unwrap();
        let card = |row: &postgres::Row| {
            Some((row.get::<_, Option<i64>>(2)?, (row.get(4), row.get::<_, String>(3))))
        };
        let (revision, at) = (rows[0].get(0), rows[0].get(1));
        let book = rows.iter().filter_map(card).collect();
        self.0.lock().unwrap().insert(revision, State { at, book });
        revision
    }

    fn last(&self) -> i64 {
        self.0.lock().unwrap().last_key_value().map_or(0, |(revision, _)| *revision)
    }

    /// One of the states but for the newest.
    fn an_old_one(&self, dice: &mut Dice) -> Option<DateTime<Utc>> {
        let states = self.0.lock().unwrap();
        let instants: Vec<_> = states.values().map(|it| it.at).collect();
        dice.one(&instants[..instants.len() * 2 / 3])
    }
}

/// The book's row.
fn reached(world: &World, owner: i64) -> books::Book {
    world.app.db.read(|db| books::find(db, owner)).unwrap()
}

/// Purges what is a month old, for a replica whose clock says that a month has passed since then.
fn purge(world: &World, owner: i64, then: DateTime<Utc>) {
    let later = then + Duration::days(trash::KEPT_DAYS);
    let purged = world.app.change_book(owner, |tx| {
        let mut book = books::lock(tx, owner)?;
        while trash::purge(tx, &mut book, later)? {}
        Ok(())
    });
    // On a busy machine the book may be locked for longer than the worker waits.
    assert!(matches!(purged, Ok(()) | Err(Error::Unavailable(_))), "{purged:?}");
}

/// What is counted in the book's row is so.
fn sound(world: &World, owner: i64) {
    const SQL: &str = "SELECT (contacts, groups, stored, card_bytes) = (
            SELECT count(*) FILTER (WHERE deleted_at IS NULL AND NOT is_group),
                count(*) FILTER (WHERE deleted_at IS NULL AND is_group), count(*),
                coalesce(sum(octet_length(card)), 0)::bigint
            FROM contacts WHERE owner = $1
        ) AND history_bytes = (
            SELECT coalesce(sum(octet_length(card) + octet_length(client) + 200), 0)::bigint
            FROM history WHERE owner = $1
        ) FROM address_books WHERE owner = $1";
    let sound = world.app.db.read(|db| db.query_one(SQL, &[&owner])).unwrap();
    assert!(sound.get::<_, bool>(0), "{:?}", reached(world, owner));
}

/// Everything that GET lists, by id.
fn all(ann: &Actor) -> BTreeMap<i64, Value> {
    let mut found = BTreeMap::new();
    for skip in (0..).step_by(100) {
        let page = ann.get(&format!("/api/contacts?limit=100&skip={skip}")).expect(200).json();
        let page = page.as_array().unwrap();
        found.extend(page.iter().map(|it| (it["id"].as_i64().unwrap(), it.clone())));
        if page.len() < 100 {
            break;
        }
    }
    found
}

#[track_caller]
fn same<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    copy: &BTreeMap<K, V>,
    book: &BTreeMap<K, V>,
    what: &str,
) {
    let differs: BTreeSet<_> =
        book.keys().chain(copy.keys()).filter(|it| copy.get(it) != book.get(it)).collect();
    let shown =
        differs.iter().take(2).map(|it| (it, copy.get(it), book.get(it))).collect::<Vec<_>>();
    assert!(differs.is_empty(), "{what}: {} differ: {shown:#?}", differs.len());
}

/// The book is what it was: what was there is there, what lay in the trash lies there unless it was purged
/// meanwhile, and what was made since is in the trash. The members of a group may stand in another order.
#[track_caller]
fn as_then(now: &Book, then: &Book, what: &str) {
    let purged = |it: &i64| !now.contains_key(it) && then[it].0;
    let kept = |book: &Book, keep: &dyn Fn(&i64, bool) -> bool| {
        let kept = book.iter().filter(|(id, (in_trash, _))| keep(id, *in_trash));
        kept.map(|(id, (in_trash, card))| (*id, (*in_trash, in_order(card)))).collect::<Book>()
    };
    let now = kept(now, &|id, in_trash| !in_trash || then.contains_key(id));
    same(&now, &kept(then, &|id, _| !purged(id)), what);
}

/// A card whose lines are sorted if it is one of a group.
fn in_order(card: &str) -> String {
    let mut lines: Vec<&str> = card.lines().collect();
    if card.contains("KIND:group") {
        lines.sort_unstable();
    }
    lines.join("\n")
}

/// What everything above happens on.
struct Stage {
    ground: Ground,
    ann: Actor,
    elsewhere: Actor,
    phone: Phone,
    past: Past,
    feed: Feed,
    sync: Sync,
    seed: u64,
    refused: AtomicUsize,
}

impl Stage {
    fn new(seed: u64) -> Stage {
        // Half of the books are so small that history makes room.
        let room = if seed.is_multiple_of(2) { 120_000 } else { 1 << 30 };
        let ground = Ground::of(World::with(|config| {
            config.db_pool_size = 16;
            config.max_storage = room;
        }));
        let (ann, phone) = ground.owner("ann");
        let ahead = ground.world.replica_with_clock(Duration::minutes(5));
        let elsewhere = Actor { app: ahead.app.clone(), ..ann.clone() };
        let (past, feed, sync) = (Past::default(), Feed::default(), Sync::default());
        past.note(&ground.world, ann.id);
        let refused = AtomicUsize::new(0);
        Stage { ground, ann, elsewhere, phone, past, feed, sync, seed, refused }
    }

    fn dice(&self, who: u64) -> Dice {
        Dice::new(self.seed.wrapping_mul(31) + who)
    }

    fn put(&self, dice: &mut Dice) {
        let status = put(&self.phone, dice);
        assert!([200, 201, 204, 403, 404, 409, 412, 503, 507].contains(&status), "{status}");
        self.refused.fetch_add(usize::from(status > 204), SeqCst);
    }

    /// Everyone at once.
    fn all_at_once(&mut self, steps: usize) {
        let (mut feed, mut sync) = (std::mem::take(&mut self.feed), std::mem::take(&mut self.sync));
        let (stage, stop) = (&*self, &AtomicBool::new(false));
        let (world, id) = (&stage.ground.world, stage.ann.id);
        std::thread::scope(|scope| {
            let mut writers = Vec::new();
            for (at, who) in [&stage.ann, &stage.elsewhere].into_iter().enumerate() {
                let mut dice = stage.dice(at as u64 + 1);
                writers.push(scope.spawn(move || {
                    for _ in 0..steps {
                        fine(&change(who, &stage.past, &mut dice), &stage.refused);
                        stage.past.note(world, id);
                    }
                }));
            }
            let mut dice = stage.dice(7);
            writers.push(scope.spawn(move || {
                for _ in 0..steps {
                    stage.put(&mut dice);
                    stage.past.note(world, id);
                }
            }));
            let (feed, sync) = (&mut feed, &mut sync);
            let mut dice = stage.dice(100);
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    feed.follow_or_begin(world, &stage.ann, &mut dice);
                }
            });
            let mut dice = stage.dice(200);
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    sync.follow_or_begin(world, &stage.phone, &mut dice);
                }
            });
            let mut dice = stage.dice(300);
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    std::thread::sleep(std::time::Duration::from_millis(100));
                    stage
                        .past
                        .an_old_one(&mut dice)
                        .into_iter()
                        .for_each(|it| purge(world, id, it));
                }
            });
            let failed: Vec<_> = writers.into_iter().filter_map(|it| it.join().err()).collect();
            stop.store(true, SeqCst);
            if let Some(panic) = failed.into_iter().next() {
                std::panic::resume_unwind(panic);
            }
        });
        (self.feed, self.sync) = (feed, sync);
    }

    /// Both copies are the book.
    fn compare(&mut self, dice: &mut Dice, when: &str) {
        let (world, seed) = (&self.ground.world, self.seed);
        while self.feed.follow(world, &self.ann, dice) {}
        while self.sync.follow(world, &self.phone, dice) {}
        same(&self.feed.contacts, &all(&self.ann), &format!("seed {seed}, the feed, {when}"));
        same(&self.sync.cards, &listed(&self.phone), &format!("seed {seed}, syncing, {when}"));
        sound(world, self.ann.id);
    }

    /// One change after the other, so that each state is noted.
    fn one_by_one(&mut self, dice: &mut Dice, steps: usize) {
        self.past = Past::default();
        self.past.note(&self.ground.world, self.ann.id);
        for step in 0..steps {
            match step % 3 {
                0 => fine(&change(&self.ann, &self.past, dice), &self.refused),
                1 => fine(&change(&self.elsewhere, &self.past, dice), &self.refused),
                _ => self.put(dice),
            }
            self.between(dice);
        }
    }

    /// Notes the state; followers go on a little, and what is old is purged now and then.
    fn between(&mut self, dice: &mut Dice) {
        let world = &self.ground.world;
        self.past.note(world, self.ann.id);
        self.feed.follow(world, &self.ann, dice);
        self.sync.follow(world, &self.phone, dice);
        if dice.below(12) == 0 {
            let then = self.past.an_old_one(dice);
            then.into_iter().for_each(|it| purge(world, self.ann.id, it));
        }
    }

    /// A wish for a rewind, and the state that is meant by it, if history reaches that far.
    fn wish(&self, dice: &mut Dice) -> (Value, Option<Book>) {
        let mut states: Vec<_> = self.past.0.lock().unwrap().clone().into_iter().collect();
        let book = reached(&self.ground.world, self.ann.id);
        let oldest = book.history_since;
        // Half of them within reach: how much of the past was purged is chance.
        if dice.below(2) == 0 {
            states.retain(|it| it.1.at >= oldest);
        }
        if dice.below(3) == 0 {
            let at = dice.below(states.len());
            let begins = states[at].1.at;
            let ends =
                states.get(at + 1).map_or(begins, |next| next.1.at - Duration::microseconds(1));
            let instant = if dice.below(2) == 0 { begins } else { ends };
            let wish = json!(instant.to_rfc3339_opts(SecondsFormat::Micros, true));
            return (wish, (instant >= oldest).then(|| states[at].1.book.clone()));
        }
        // Any revision: most are in the midst of a transaction, whose end is meant.
        let (first, last) = (states[0].0, states[states.len() - 1].0);
        let to = first + dice.below((last - first + 1) as usize) as i64;
        let at = states.iter().position(|it| it.0 >= to).unwrap();
        let (end, state) = &states[at];
        let next = states.get(at + 1).is_none_or(|next| next.1.at > oldest);
        let there = state.at > oldest || (to == *end && next);
        (json!(to), there.then(|| state.book.clone()))
    }

    fn rewinds(&mut self, dice: &mut Dice, times: usize) {
        let (mut done, mut refused) = (0, 0);
        for at in 0..times {
            let (to, then) = self.wish(dice);
            let what = format!("seed {}, rewound to {to}", self.seed);
            let rewind = |dry_run: bool| {
                let answer =
                    self.ann.post("/api/contacts/rewind", json!({"to": to, "dry_run": dry_run}));
                let mut said = answer.json();
                said.as_object_mut().unwrap().remove("request_id");
                (answer.status, said)
            };
            let counted = rewind(true);
            assert_eq!(rewind(false), counted, "{what}: a dry run says what is done");
            assert_eq!(counted.0, if then.is_some() { 200 } else { 422 }, "{what}: {}", counted.1);
            let now = self.past.note(&self.ground.world, self.ann.id);
            let now = self.past.0.lock().unwrap()[&now].book.clone();
            match &then {
                Some(then) => as_then(&now, then, &what),
                None => refused += 1,
            }
            done += usize::from(then.is_some());
            self.between(dice);
            if at % 5 == 0 {
                self.compare(dice, &what);
            }
        }
        assert!(done > times / 3, "{refused} of {times} were out of reach");
    }
}

fn run(seed: u64, steps: usize) {
    let mut stage = Stage::new(seed);
    let mut dice = stage.dice(400);
    stage.all_at_once(steps);
    stage.compare(&mut dice, "when everyone is done");
    stage.one_by_one(&mut dice, steps);
    stage.compare(&mut dice, "after one by one");
    stage.rewinds(&mut dice, 40);
    stage.compare(&mut dice, "in the end");
    let refused = stage.refused.into_inner();
    assert!(refused < steps * 3, "{refused} of {} were refused", steps * 4);
}

#[test]
fn whoever_follows_has_the_book_and_the_book_goes_back_to_each_of_its_states() {
    let number = |name: &str, usual: usize| {
        optional_variable(name).map_or(usual, |raw| raw.parse().unwrap())
    };
    let first = number("UNDO_SEED", 1);
    for seed in first..first + number("UNDO_RUNS", 2) {
        run(seed as u64, number("UNDO_STEPS", 60));
    }
}
