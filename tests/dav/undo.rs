//! Undo and following while everything is under way: two REST clients (one at a replica whose clock is
//! ahead) and a phone change one book at once in whatever way there is, while a follower of the change
//! feed and one of CardDAV's sync tokens keep a copy of it. In the end both copies are the book, and it
//! can be rewound to each state that it had.

use crate::phone::{DAV, Ground, Phone, card};
use chrono::Duration;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use support::dice::Dice;
use support::world::{Actor, Answer, World, optional_variable};

const NAMES: [&str; 6] = ["Ann", "Bob", "Carol", "Dan", "Єва", "Fritz"];
const LABELS: [&str; 4] = ["red", "Green", "blue", "RED"];
/// Cards that phones and files bring have uids of a few, so that they meet.
const UIDS: usize = 12;
/// Most contacts that are kept: past that more is deleted than made.
const MANY: usize = 40;

/// The cards of all that is there by id, groups too.
type Book = BTreeMap<i64, String>;

/// What the book was at revisions between two commits.
#[derive(Default)]
struct Past(Mutex<BTreeMap<i64, Book>>);

impl Past {
    /// One statement, so it is one state.
    fn note(&self, world: &World, owner: i64) -> i64 {
        const SQL: &str = "SELECT revision, id, card FROM (
                SELECT owner, revision FROM address_books WHERE owner = $1
            ) AS book LEFT JOIN (
                SELECT owner, id, card FROM contacts WHERE owner = $1 AND deleted_at IS NULL
            ) AS there USING (owner)";
        let rows = world.app.db.read(|db| db.query(SQL, &[&owner])).unwrap();
        let card = |row: &postgres::Row| Some((row.get::<_, Option<i64>>(1)?, row.get(2)));
        let revision = rows[0].get(0);
        self.0.lock().unwrap().insert(revision, rows.iter().filter_map(card).collect());
        revision
    }
}

/// Statuses that a client must reckon with when others write too.
fn fine(answer: &Answer, refused: &AtomicUsize) {
    assert!([200, 201, 204, 404, 409, 422, 503].contains(&answer.status), "{answer:?}");
    refused.fetch_add(usize::from(answer.status > 204), SeqCst);
}

/// A change by REST.
fn change(ann: &Actor, past: &Past, dice: &mut Dice) -> Answer {
    let list = |path: &str| -> Vec<i64> {
        let list = ann.get(path).expect(200).json();
        list.as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap()).collect()
    };
    let live = list("/api/contacts?limit=100");
    let some = |dice: &mut Dice| -> Vec<i64> {
        (0..1 + dice.below(4)).filter_map(|_| dice.one(&live)).collect()
    };
    let body = |dice: &mut Dice| {
        let labels: Vec<_> = (0..dice.below(3)).map(|_| dice.pick(&LABELS)).collect();
        json!({
            "first_name": dice.pick(&NAMES), "labels": labels,
            "email": format!("{}@x.org", dice.below(9)), "nickname": dice.below(9).to_string(),
        })
    };
    let one = dice.one(&live).unwrap_or(0);
    let path = format!("/api/contacts/{one}");
    match dice.below(if live.len() > MANY { 14 } else { 18 }) {
        0 | 1 => ann.delete(&path),
        2 => {
            let (one, action) =
                (some(dice), ["delete", "remove_label", "add_label"][dice.below(3)]);
            let label = (action != "delete").then(|| dice.pick(&LABELS));
            ann.post("/api/contacts/bulk", json!({"action": action, "ids": one, "label": label}))
        }
        3 => {
            let (keep, merge) = (one, some(dice));
            ann.post(
                "/api/contacts/merge",
                json!({"keep": keep, "merge": merge, "set": {"nickname": "M"}}),
            )
        }
        4 => {
            let to = [Some("red"), Some("green"), Some("blue"), None][dice.below(4)];
            ann.patch("/api/contacts/labels", json!({"from": dice.pick(&LABELS), "to": to}))
        }
        5 => {
            let history = ann.get(&format!("{path}/history"));
            let history = if history.status == 200 { history.json() } else { json!([]) };
            let revisions: Vec<_> = history
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["revision"].as_i64().unwrap())
                .collect();
            let revision = dice.one(&revisions).unwrap_or(1);
            ann.post(&format!("{path}/revert"), json!({"revision": revision}))
        }
        6 => {
            let known: Vec<_> = past.0.lock().unwrap().keys().copied().collect();
            let to = dice.one(&known[known.len().saturating_sub(12)..]).unwrap_or(0);
            ann.post("/api/contacts/rewind", json!({"to": to}))
        }
        7..10 => ann.patch(&path, body(dice)),
        10..14 => match dice.one(&list("/api/contacts/trash?limit=100")) {
            Some(trashed) if dice.below(2) == 0 => {
                ann.post(&format!("/api/contacts/{trashed}/restore"), json!({}))
            }
            Some(trashed) => {
                ann.post("/api/contacts/bulk", json!({"action": "restore", "ids": [trashed, one]}))
            }
            None => ann.post("/api/contacts", body(dice)),
        },
        14 | 15 => {
            let cards = (0..1 + dice.below(4)).map(|_| {
                let uid = format!("u{}", dice.below(UIDS));
                card(&uid, dice.pick(&NAMES), &[&format!("NICKNAME:{}", dice.below(9))])
            });
            let file: String = cards.collect();
            let existing = ["skip", "update", "add"][dice.below(3)];
            let path = format!("/api/contacts/import?existing={existing}&label=red");
            ann.send("POST", &path, &[("Content-Type", "text/vcard")], file.as_bytes())
        }
        _ => ann.post("/api/contacts", body(dice)),
    }
}

/// The entity tags of all cards by name, as a client lists them.
fn listed(phone: &Phone) -> BTreeMap<String, String> {
    let all = phone.propfind(&phone.book(), "1", "<D:getetag/>");
    let cards = all.responses.iter().filter(|it| it.href != phone.book());
    cards.map(|it| (phone.name_of(&it.href), it.get(DAV, "getetag").text)).collect()
}

/// A change by CardDAV.
fn put(phone: &Phone, dice: &mut Dice) -> u16 {
    let names: Vec<String> = listed(phone).into_keys().collect();
    let name = names.get(dice.below(names.len())).cloned().unwrap_or_else(|| "x.vcf".to_owned());
    // Names that follow from a uid, and others.
    let free = format!("{}{}.vcf", dice.pick(&["u", "n"]), dice.below(UIDS));
    let uid = format!("u{}", dice.below(UIDS));
    let labels = format!("CATEGORIES:{}", dice.pick(&LABELS));
    match dice.below(if names.len() > MANY { 8 } else { 11 }) {
        0..3 => phone.delete(&name).status,
        3 => {
            let to = format!("http://{}{}", phone.address, phone.path(&free));
            phone
                .send("MOVE", &phone.path(&name), &[("Destination", &to), ("Overwrite", "F")], b"")
                .status
        }
        4..7 => {
            let old = phone.get(&name);
            let lines: Vec<String> = old.text().split("\r\n").map(str::to_owned).collect();
            let note = format!("NOTE:{}", dice.below(99));
            let kept = lines.iter().filter(|line| !line.starts_with("NOTE") && !line.is_empty());
            let text: String = kept
                .map(|line| match line.as_str() {
                    "END:VCARD" => format!("{note}\r\nEND:VCARD\r\n"),
                    line => format!("{line}\r\n"),
                })
                .collect();
            if old.status == 200 { phone.put(&name, &text).status } else { 404 }
        }
        7 => {
            let label = dice.pick(&LABELS).to_lowercase();
            let member = format!("X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{uid}");
            let kind = "X-ADDRESSBOOKSERVER-KIND:group";
            phone
                .put(
                    &format!("g-{label}.vcf"),
                    &card(&format!("g-{label}"), &label, &[kind, &member]),
                )
                .status
        }
        _ => phone.put(&free, &card(&uid, dice.pick(&NAMES), &[&labels])).status,
    }
}

/// A copy of the book by the change feed.
#[derive(Default)]
struct Feed {
    token: Option<String>,
    contacts: BTreeMap<i64, Value>,
}

impl Feed {
    /// One page; true if there was a change.
    fn follow(&mut self, ann: &Actor, dice: &mut Dice) -> bool {
        let since = self.token.as_ref().map(|it| format!("&since={it}")).unwrap_or_default();
        let page = ann.get(&format!("/api/contacts/changes?limit={}{since}", 1 + dice.below(9)));
        let page = page.expect(200).json();
        let changes = page["changes"].as_array().unwrap();
        for change in changes {
            let id = change["id"].as_i64().unwrap();
            match &change["contact"] {
                Value::Null => self.contacts.remove(&id),
                contact => {
                    assert_eq!(change["deleted"], false);
                    self.contacts.insert(id, contact.clone())
                }
            };
        }
        let next = page["next"].as_str().unwrap().to_owned();
        let moved = self.token.replace(next.clone()) != Some(next);
        moved || page["more"] == true
    }
}

/// A copy of the book by CardDAV's sync token.
#[derive(Default)]
struct Sync {
    token: String,
    cards: BTreeMap<String, String>,
}

impl Sync {
    /// One answer; true if there was a change.
    fn follow(&mut self, phone: &Phone, dice: &mut Dice) -> bool {
        let limit = match dice.below(3) {
            0 => String::new(),
            _ => format!("<D:limit><D:nresults>{}</D:nresults></D:limit>", 1 + dice.below(9)),
        };
        let answer = phone.sync_with(&[("Depth", "0")], &self.token, &limit).expect(207).multi();
        for it in &answer.responses {
            let name = phone.name_of(&it.href);
            match it.status.as_deref() {
                None => drop(self.cards.insert(name, it.get(DAV, "getetag").text)),
                Some("HTTP/1.1 404 Not Found") => drop(self.cards.remove(&name)),
                Some(status) => assert!(status.contains("507"), "{it:?}"),
            }
        }
        std::mem::replace(&mut self.token, answer.token().to_owned()) != answer.token()
    }
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
    let differs: Vec<_> =
        book.keys().chain(copy.keys()).filter(|it| copy.get(it) != book.get(it)).collect();
    let shown =
        differs.iter().take(2).map(|it| (it, copy.get(it), book.get(it))).collect::<Vec<_>>();
    assert!(differs.is_empty(), "{what}: {} differ: {shown:#?}", differs.len());
}

fn run(seed: u64, steps: usize) {
    let ground = Ground::of(World::with(|config| config.db_pool_size = 16));
    let (ann, phone) = ground.owner("ann");
    let ahead = ground.world.replica_with_clock(Duration::minutes(5));
    let elsewhere = Actor { app: ahead.app.clone(), ..ann.clone() };
    let (past, refused, stop) = (Past::default(), AtomicUsize::new(0), AtomicBool::new(false));
    past.note(&ground.world, ann.id);
    let (mut feed, mut sync) = (Feed::default(), Sync::default());
    std::thread::scope(|scope| {
        let (world, past, refused, stop) = (&ground.world, &past, &refused, &stop);
        let writers = [&ann, &elsewhere].into_iter().enumerate().map(|(at, who)| {
            let mut dice = Dice::new(seed.wrapping_mul(31) + at as u64 + 1);
            scope.spawn(move || {
                for _ in 0..steps {
                    fine(&change(who, past, &mut dice), refused);
                    past.note(world, who.id);
                }
            })
        });
        let mut writers: Vec<_> = writers.collect();
        let (mut dice, the_phone) = (Dice::new(seed.wrapping_mul(31) + 7), &phone);
        let id = ann.id;
        writers.push(scope.spawn(move || {
            for _ in 0..steps {
                let status = put(the_phone, &mut dice);
                assert!([200, 201, 204, 403, 404, 409, 412, 503].contains(&status), "{status}");
                refused.fetch_add(usize::from(status > 204), SeqCst);
                past.note(world, id);
            }
        }));
        let (feed, sync, ann, phone) = (&mut feed, &mut sync, &ann, &phone);
        scope.spawn(move || {
            let mut dice = Dice::new(seed + 100);
            while !stop.load(SeqCst) {
                feed.follow(ann, &mut dice);
            }
        });
        scope.spawn(move || {
            let mut dice = Dice::new(seed + 200);
            while !stop.load(SeqCst) {
                sync.follow(phone, &mut dice);
            }
        });
        let failed: Vec<_> = writers.into_iter().filter_map(|it| it.join().err()).collect();
        stop.store(true, SeqCst);
        if let Some(panic) = failed.into_iter().next() {
            std::panic::resume_unwind(panic);
        }
    });
    let mut dice = Dice::new(seed + 300);
    let compare = |feed: &mut Feed, sync: &mut Sync, dice: &mut Dice, when: &str| {
        while feed.follow(&ann, dice) {}
        while sync.follow(&phone, dice) {}
        same(&feed.contacts, &all(&ann), &format!("seed {seed}, the feed, {when}"));
        same(&sync.cards, &listed(&phone), &format!("seed {seed}, syncing, {when}"));
    };
    compare(&mut feed, &mut sync, &mut dice, "when everyone is done");

    // Back to states of then, in any order.
    let states: HashMap<i64, Book> = past.0.lock().unwrap().clone().into_iter().collect();
    let revisions: Vec<i64> = past.0.lock().unwrap().keys().copied().collect();
    for at in 0..revisions.len().min(40) {
        let to = if at < 2 { revisions[at] } else { dice.one(&revisions).unwrap() };
        let rewind = |dry_run: bool| {
            ann.post("/api/contacts/rewind", json!({"to": to, "dry_run": dry_run}))
                .expect(200)
                .json()
        };
        let counted = rewind(true);
        assert_eq!(rewind(false), counted, "seed {seed}: a dry run of {to} counts what is done");
        let now = past.note(&ground.world, ann.id);
        let now = past.0.lock().unwrap()[&now].clone();
        same(&now, &states[&to], &format!("seed {seed}, rewound to {to}"));
        if at % 5 == 0 {
            compare(&mut feed, &mut sync, &mut dice, &format!("after rewinding to {to}"));
        }
    }
    compare(&mut feed, &mut sync, &mut dice, "in the end");
    let refused = refused.into_inner();
    assert!(refused < steps * 2, "{refused} of {} were refused", steps * 3);
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
