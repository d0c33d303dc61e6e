//! The cache's protocol, walked through in every order in which its steps can happen.
//!
//! The model: one user, one database row, one Redis key; writers that change the row, readers
//! that load and fill, each step of each one at any moment; Redis may lose the key (eviction,
//! expiry, FLUSHALL), die, come back empty or from an older dump, answer too late or not at all;
//! a writer may crash or roll back at any point. The decisions are those of
//! `contactd::cache::protocol`, the scripts are written down again in `impl Key` (and
//! `tests/cache.rs` runs the real ones).
//!
//! A version stands for all that the cache holds of the user at once: role, name, sessions, cookies, app
//! passwords. Whatever ends or adds one of them is a writer here (`tests/house` holds every such call
//! to `App::change_user`). A refresh and the use of an app password are none: they change columns that are
//! not in the cached value (`tests/api/devices.rs`), and no step here; the rule `refresh_unseen` shows what
//! would be if they did.
//!
//! In every state that can be reached, what a reader would now find in the cache is checked:
//! (A) not older than a change whose answer was sent; (B) not older than a commit. And each
//! rule of the protocol is left out once, to see that the walk finds what then goes wrong.

#![cfg(test)]

use contactd::cache::protocol::{self, AfterCommit, BeforeCommit, Found, Reach, ReadStep};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, Instant};

/// What the key holds. `born`: how many commits there were when the lease was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Nothing,
    User {
        version: u8,
        born: u8,
    },
    Lease {
        reader: u8,
        born: u8,
    },
    /// A set of writers, one bit each.
    Tombstone(u8),
}
use Key::{Lease, Nothing, Tombstone, User};

/// The reader or writer of a lease or tombstone whose owner is gone.
const DEAD: u8 = 7;

impl Key {
    /// As one byte.
    fn code(self) -> u8 {
        match self {
            Nothing => 0,
            User { version, born } => 1 << 6 | version << 3 | born,
            Lease { reader, born } => 2 << 6 | reader << 3 | born,
            Tombstone(writers) => 3 << 6 | writers >> 2 | writers & 3,
        }
    }

    fn found(self) -> Found<u8> {
        match self {
            Nothing => Found::Nothing,
            User { version, .. } => Found::User(version),
            Lease { .. } | Tombstone(_) => Found::Busy,
        }
    }

    /// `protocol::RAISE`.
    fn raise(&mut self, writer: u8) {
        let others = if let Tombstone(writers) = *self { writers } else { 0 };
        *self = Tombstone(others | 1 << writer);
    }

    /// `protocol::LOWER`.
    fn lower(&mut self, writer: u8) {
        let others = if let Tombstone(writers) = *self { writers & !(1 << writer) } else { 0 };
        *self = if others == 0 { Nothing } else { Tombstone(others) };
    }

    /// Time has passed: whatever began before `commit` has expired.
    fn expire(&mut self, commit: u8) {
        if let User { born, .. } | Lease { born, .. } = *self
            && born < commit
        {
            *self = Nothing;
        }
    }

    /// Nobody will come back as `writer`: its name counts as a dead one's.
    fn bury_writer(&mut self, writer: u8) {
        if let Tombstone(writers) = self
            && *writers & 1 << writer != 0
        {
            *writers = *writers & !(1 << writer) | 1 << DEAD;
        }
    }

    fn bury_reader(&mut self, who: u8) {
        if let Lease { reader, .. } = self
            && *reader == who
        {
            *self = Lease { reader: DEAD, born: 0 };
        }
    }
}

/// A reader that found nothing; the others (who find a user, or load without filling) change
/// nothing, so they need no place here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reader {
    Idle,
    Leased,
    /// It saw no lock on the row.
    Settled,
    Selected(u8),
}

impl Reader {
    fn code(self) -> u8 {
        match self {
            Reader::Idle => 0,
            Reader::Leased => 1,
            Reader::Settled => 2,
            Reader::Selected(version) => 3 + version,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Writer {
    Idle,
    /// Between its first tombstone, if any, and its lock.
    Begun {
        silent: bool,
    },
    Locked {
        silent: bool,
    },
    /// Its second tombstone, under the lock, is sent.
    Fenced {
        silent: bool,
    },
    Committed {
        commit: u8,
    },
}

impl Writer {
    fn code(self) -> u8 {
        match self {
            Writer::Idle => 0,
            Writer::Begun { silent } => 1 + u8::from(silent),
            Writer::Locked { silent } => 3 + u8::from(silent),
            Writer::Fenced { silent } => 5 + u8::from(silent),
            Writer::Committed { commit } => 7 + commit,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State<const READERS: usize> {
    /// The version in the database.
    commits: u8,
    /// What promise (A), and what promise (B), says that readers see at least.
    answered: u8,
    promised: u8,
    /// Who holds the row's lock.
    lock: Option<u8>,
    redis_up: bool,
    run: u8,
    /// The keys of each run in Redis' memory, and in its dump.
    memory: [Key; 2],
    dump: [Key; 2],
    readers: [Reader; READERS],
    writers: [Writer; 2],
}

/// The rules of the protocol, each of which can be left out.
#[derive(Debug, Clone, Copy)]
struct Rules {
    /// A writer raises a tombstone before its transaction; with the next rule it need not.
    raise: bool,
    /// A writer raises a tombstone when it holds the lock.
    fence: bool,
    /// A reader fills only if the row was not locked before its SELECT,
    lock_checked: bool,
    /// and it asks for the lock before the SELECT, not in the same statement.
    lock_checked_first: bool,
    /// A reader fills only in place of its own lease.
    lease_checked: bool,
    /// A look-up that may be carried out twice is not one to fill with.
    leased_once: bool,
    /// A writer ends what is in the cache after its commit.
    lower: bool,
    /// A writer that cannot reach Redis waits until nothing old can be there.
    wait: bool,
    /// The key has Redis' run id in it.
    run_ids: bool,
    /// Redis refuses connections only when it is not there.
    refusal_means_gone: bool,
    /// Everybody reaches Redis, if it is there at all.
    reachable: bool,
    /// What goes without the protocol (refreshes, the last use of an app password) changes nothing of
    /// what is cached.
    refresh_unseen: bool,
    /// Redis may be killed and come back, empty or from a dump.
    restarts: bool,
    max_commits: u8,
}

const ALL: Rules = Rules {
    raise: true,
    fence: true,
    lock_checked: true,
    lock_checked_first: true,
    lease_checked: true,
    leased_once: true,
    lower: true,
    wait: true,
    run_ids: true,
    refusal_means_gone: true,
    reachable: false,
    refresh_unseen: true,
    restarts: true,
    max_commits: 2,
};

type Steps<const R: usize> = Vec<(&'static str, State<R>)>;

impl<const R: usize> State<R> {
    fn start() -> Self {
        State {
            commits: 0,
            answered: 0,
            promised: 0,
            lock: None,
            redis_up: true,
            run: 0,
            memory: [Nothing; 2],
            dump: [Nothing; 2],
            readers: [Reader::Idle; R],
            writers: [Writer::Idle; 2],
        }
    }

    /// The whole state as a number, which is quicker to look up.
    fn code(&self) -> u128 {
        let lock = self.lock.map_or(2, u8::from) << 2 | u8::from(self.redis_up) << 1 | self.run;
        let numbers = [self.commits << 4 | self.answered << 2 | self.promised, lock];
        let keys = self.memory.iter().chain(&self.dump).map(|key| key.code());
        let readers = self.readers.iter().map(|reader| reader.code());
        let writers = self.writers.iter().map(|writer| writer.code());
        let bytes = numbers.into_iter().chain(keys).chain(readers).chain(writers);
        bytes.fold(0, |code, byte| code << 8 | u128::from(byte))
    }

    /// The key that everybody who has a connection sees.
    fn key(&mut self, rules: &Rules) -> &mut Key {
        &mut self.memory[if rules.run_ids { usize::from(self.run) } else { 0 }]
    }

    /// What a reader that looks now would answer with, without asking the database.
    fn visible(mut self, rules: &Rules) -> Option<u8> {
        let found = if self.redis_up { Some(self.key(rules).found()) } else { None };
        match protocol::after_look(found) {
            ReadStep::Use(version) => Some(version),
            ReadStep::LoadOnly | ReadStep::LoadToFill => None,
        }
    }

    /// The promise among `promises` that is broken here.
    fn broken(self, rules: &Rules, promises: &str) -> Option<char> {
        let version = self.visible(rules)?;
        let broken = |promise: &char| match promise {
            'A' => version < self.answered,
            _ => version < self.promised,
        };
        promises.chars().find(broken)
    }

    /// Readers are alike, and so are writers: of all states that differ in their numbers only,
    /// this one is visited.
    fn sorted(mut self) -> Self {
        let mut order: [usize; R] = std::array::from_fn(|number| number);
        order.sort_by_key(|number| self.readers[*number]);
        self.readers = order.map(|number| self.readers[number]);
        let place = |reader: u8| order.iter().position(|old| *old == usize::from(reader));
        self.all_keys(|key| {
            if let Lease { reader, .. } = key {
                *reader = place(*reader).map_or(DEAD, |place| u8::try_from(place).unwrap());
            }
        });
        if self.writers[0] > self.writers[1] {
            self.writers.swap(0, 1);
            self.lock = self.lock.map(|writer| 1 - writer);
            self.all_keys(|key| {
                if let Tombstone(writers) = key {
                    *writers = *writers & 1 << DEAD | (*writers & 1) << 1 | *writers >> 1 & 1;
                }
            });
        }
        self
    }

    /// Names that no replica has any more are all the same.
    fn all_keys(&mut self, change: impl Fn(&mut Key)) {
        self.memory.iter_mut().chain(&mut self.dump).for_each(change);
    }

    fn steps(self, rules: &Rules, steps: &mut Steps<R>) {
        self.redis_steps(rules, steps);
        (0..R).for_each(|reader| self.reader_steps(reader, rules, steps));
        (0..2).for_each(|writer| self.writer_steps(writer, rules, steps));
        if !rules.refresh_unseen && self.commits < rules.max_commits {
            // A plain UPDATE of a session: it takes no lock of the user's row and raises nothing.
            let commit = self.commits + 1;
            let next = State { commits: commit, answered: commit, promised: commit, ..self };
            steps.push(("a refresh changes what is cached, and answers", next));
        }
    }

    fn redis_steps(self, rules: &Rules, steps: &mut Steps<R>) {
        if self.redis_up {
            let mut next = self;
            *next.key(rules) = Nothing;
            steps.push(("Redis loses the key", next));
            if !rules.reachable {
                let mut next = self;
                next.key(rules).raise(DEAD);
                steps.push(("a tombstone comes late", next));
            }
            if rules.restarts && self.run == 0 {
                steps.push(("Redis saves a dump", State { dump: self.memory, ..self }));
                let gone = State { redis_up: false, memory: [Nothing; 2], ..self };
                steps.push(("Redis dies", gone));
            }
        } else {
            // It dies once only, so the dump is not read again.
            let back = State { redis_up: true, run: 1, dump: [Nothing; 2], ..self };
            steps.push(("Redis starts empty", back));
            steps.push(("Redis starts from its dump", State { memory: self.dump, ..back }));
        }
    }

    fn reader_steps(self, number: usize, rules: &Rules, steps: &mut Steps<R>) {
        let me = u8::try_from(number).unwrap();
        let mut next = self;
        let mut give_up = self;
        give_up.readers[number] = Reader::Idle;
        give_up.all_keys(|key| key.bury_reader(me));
        match self.readers[number] {
            Reader::Idle => {
                // Readers are alike: the first idle one is as good as another.
                let first = self.readers.iter().position(|reader| *reader == Reader::Idle);
                let found = self.redis_up.then(|| next.key(rules).found());
                if first == Some(number) && protocol::after_look(found) == ReadStep::LoadToFill {
                    *next.key(rules) = Lease { reader: me, born: self.commits };
                    next.readers[number] = Reader::Leased;
                    steps.push(("a reader leases", next));
                }
                return;
            }
            Reader::Leased if rules.lock_checked && rules.lock_checked_first => {
                if self.lock.is_none() {
                    next.readers[number] = Reader::Settled;
                    steps.push(("a reader sees no lock", next));
                }
            }
            Reader::Leased | Reader::Settled => {
                next.readers[number] = Reader::Selected(self.commits);
                steps.push(("a reader selects", next));
            }
            Reader::Selected(version) => {
                let unlocked = !rules.lock_checked || rules.lock_checked_first;
                if self.redis_up && (unlocked || self.lock.is_none()) {
                    next = give_up;
                    let (mut old, new) = (self, next.key(rules));
                    match *old.key(rules) {
                        Lease { reader, born } if reader == me => *new = User { version, born },
                        _ if !rules.lease_checked => *new = User { version, born: version },
                        _ => {}
                    }
                    steps.push(("a reader fills", next));
                }
            }
        }
        if !rules.leased_once && self.redis_up {
            let mut next = self;
            if *next.key(rules) == Nothing {
                *next.key(rules) = Lease { reader: me, born: self.commits };
                steps.push(("a look-up is carried out again", next));
            }
        }
        steps.push(("a reader gives up", give_up));
    }

    /// All ways in which a writer's command can end.
    fn send(self, rules: &Rules, command: impl Fn(&mut Key)) -> Vec<(Reach, Self)> {
        if !self.redis_up {
            return vec![(Reach::Gone, self)];
        }
        let mut report = self;
        command(report.key(rules));
        let mut ways = vec![(Reach::Done, report)];
        if !rules.reachable {
            ways.extend([(Reach::Silent, report), (Reach::Silent, self)]);
        }
        if !rules.refusal_means_gone {
            ways.push((Reach::Gone, self));
        }
        ways
    }

    fn writer_steps(self, number: usize, rules: &Rules, steps: &mut Steps<R>) {
        let me = u8::try_from(number).unwrap();
        let with = |state: Self, writer: Writer| {
            let mut next = state;
            next.writers[number] = writer;
            next
        };
        // Ends a writer's life; the next one has another name.
        let end = |state: Self| {
            let mut next = with(state, Writer::Idle);
            next.lock = next.lock.filter(|holder| *holder != me);
            next.all_keys(|key| key.bury_writer(me));
            next
        };
        let silent_after = |reach| protocol::after_raise(reach) == BeforeCommit::CommitAndWait;
        match self.writers[number] {
            Writer::Idle => {
                if self.commits < rules.max_commits {
                    if rules.fence || !rules.raise {
                        let begun = Writer::Begun { silent: false };
                        steps.push(("a writer begins", with(self, begun)));
                    }
                    if !rules.raise {
                        return;
                    }
                    for (reach, state) in self.send(rules, |key| key.raise(me)) {
                        let writer = Writer::Begun { silent: silent_after(reach) };
                        steps.push(("a writer raises its tombstone", with(state, writer)));
                    }
                }
                return;
            }
            Writer::Begun { silent } => {
                if self.lock.is_none() {
                    let locked = State { lock: Some(me), ..self };
                    steps.push(("a writer locks the row", with(locked, Writer::Locked { silent })));
                }
            }
            Writer::Locked { silent: true } => {
                steps.push(("a writer goes on", with(self, Writer::Fenced { silent: true })));
            }
            Writer::Locked { silent: false } if rules.fence => {
                for (reach, state) in self.send(rules, |key| key.raise(me)) {
                    let writer = Writer::Fenced { silent: silent_after(reach) };
                    steps.push(("a writer raises its tombstone in the lock", with(state, writer)));
                }
            }
            Writer::Locked { .. } => {
                steps.push(("a writer goes on", with(self, Writer::Fenced { silent: false })));
            }
            Writer::Fenced { silent } => {
                if self.commits < rules.max_commits {
                    let commit = self.commits + 1;
                    let mut next = with(self, Writer::Committed { commit });
                    (next.commits, next.lock) = (commit, None);
                    if !silent {
                        next.promised = commit;
                    }
                    steps.push(("a writer commits", next));
                }
                for (_, state) in self.send(rules, |key| key.lower(me)) {
                    steps.push(("a writer rolls back", end(state)));
                }
            }
            Writer::Committed { commit } => {
                let mut answer = |label, state: Self| {
                    let mut next = end(state);
                    next.answered = next.answered.max(commit);
                    next.promised = next.promised.max(commit);
                    steps.push((label, next));
                };
                if !rules.lower {
                    answer("a writer answers", self);
                } else {
                    for (reach, state) in self.send(rules, |key| key.lower(me)) {
                        let enough = if rules.wait { Duration::ZERO } else { protocol::WAIT };
                        if protocol::after_lower(reach, enough) == AfterCommit::Answer {
                            answer("a writer lowers its tombstone and answers", state);
                        }
                    }
                    let waited = protocol::after_lower(Reach::Silent, protocol::WAIT);
                    if !rules.reachable && waited == AfterCommit::Answer {
                        let mut next = self;
                        next.all_keys(|key| key.expire(commit));
                        answer("a writer has waited long enough and answers", next);
                    }
                }
            }
        }
        steps.push(("a writer crashes", end(self)));
    }
}

/// A fast hash: the walk makes millions, and no enemy chooses the states.
#[derive(Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn write(&mut self, _: &[u8]) {
        unreachable!("all keys are u128")
    }
    fn write_u128(&mut self, number: u128) {
        let folded = (number as u64).rotate_left(32) ^ (number >> 64) as u64;
        self.0 = folded.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

struct Walk {
    states: usize,
    /// States in which a reader finds a user of a version after the first.
    warm: usize,
    /// The promise that was broken, and the shortest way there.
    broken: Option<(char, Vec<&'static str>)>,
}

/// Visits every state that can be reached, nearest first, until one of `promises` is broken.
fn walk<const R: usize>(rules: &Rules, promises: &str) -> Walk {
    let start = State::<R>::start();
    let mut seen: HashMap<u128, (u32, &'static str), BuildHasherDefault<Fold>> = HashMap::default();
    let mut order = vec![start];
    seen.insert(start.code(), (0, "start"));
    let (mut at, mut warm, mut steps) = (0, 0, Vec::new());
    while let Some(&state) = order.get(at) {
        if let Some(promise) = state.broken(rules, promises) {
            let mut way = Vec::new();
            let mut here = at;
            while here != 0 {
                let (before, label) = seen[&order[here].code()];
                way.push(label);
                here = before as usize;
            }
            way.reverse();
            return Walk { states: order.len(), warm, broken: Some((promise, way)) };
        }
        warm += usize::from(state.visible(rules).is_some_and(|version| version > 0));
        state.steps(rules, &mut steps);
        for (label, next) in steps.drain(..) {
            let next = next.sorted();
            seen.entry(next.code()).or_insert_with(|| {
                order.push(next);
                (u32::try_from(at).unwrap(), label)
            });
        }
        at += 1;
    }
    Walk { states: order.len(), warm, broken: None }
}

fn holds<const R: usize>(what: &str, rules: Rules) {
    let start = Instant::now();
    let walk = walk::<R>(&rules, "AB");
    println!("{what}: {} states in {:.1?}, {} warm", walk.states, start.elapsed(), walk.warm);
    assert_eq!(walk.broken, None, "{what}");
    assert!(walk.warm > 0, "{what}: the cache is never used");
}

fn breaks<const R: usize>(promise: char, what: &str, rules: Rules) {
    let walk = walk::<R>(&rules, &promise.to_string());
    let (broken, way) = walk.broken.unwrap_or_else(|| panic!("{what}: no fault found"));
    println!("{what}: ({broken}) broken, {} states:\n  {}", walk.states, way.join("\n  "));
    assert_eq!(broken, promise, "{what}");
}

#[test]
fn both_promises_hold_when_redis_forgets_and_hangs() {
    holds::<3>("two writers, three readers", Rules { restarts: false, ..ALL });
}

#[test]
fn both_promises_hold_when_redis_dies_and_comes_back() {
    holds::<2>("two writers, two readers, a restart", Rules { reachable: true, ..ALL });
    holds::<1>("two writers, one reader, everything", ALL);
    holds::<2>("three commits", Rules { reachable: true, restarts: false, max_commits: 3, ..ALL });
}

#[test]
fn every_rule_is_needed() {
    let near = Rules { reachable: true, restarts: false, ..ALL };
    let as_usual = Rules { raise: false, fence: false, lock_checked: false, ..near };
    let usual = Rules { lease_checked: false, ..as_usual };
    breaks::<2>('A', "delete after commit, as usual", usual);
    breaks::<2>('A', "nothing after the commit", Rules { lower: false, fence: false, ..near });
    breaks::<2>('A', "fill without a lease", Rules { lease_checked: false, ..near });
    breaks::<2>('A', "one lease taken twice", Rules { leased_once: false, ..near });
    breaks::<2>('B', "leases, but no tombstones", as_usual);
    breaks::<2>('B', "tombstone before the lock only", Rules { fence: false, ..near });
    breaks::<2>('B', "fill beside a writer", Rules { lock_checked: false, ..near });
    let without_lock = Rules { fence: false, lock_checked: false, ..near };
    breaks::<2>('B', "leases and tombstones that know nothing of the lock", without_lock);
    assert_eq!(walk::<2>(&without_lock, "A").broken, None, "(A) does not need the lock");
    breaks::<2>('B', "lock and user in one statement", Rules { lock_checked_first: false, ..near });
    breaks::<2>('A', "no wait for a silent Redis", Rules { wait: false, restarts: false, ..ALL });
    let seen = Rules { refresh_unseen: false, ..near };
    breaks::<2>('A', "a refresh that changes what is cached", seen);
    breaks::<2>('A', "no run id", Rules { run_ids: false, ..ALL });
    breaks::<2>('A', "refused, but not gone", Rules { refusal_means_gone: false, ..near });
}
