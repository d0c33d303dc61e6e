//! The protocol that keeps the cached user fresh, without any I/O: what a key may hold, the
//! four scripts that change it (most reads need none: `round_trip.rs`), and every decision that depends on
//! what Redis answered.
//! `tests/cache_model.rs` walks through all interleavings of these decisions; the comments here
//! say what each one is for.
//!
//! A key `{prefix}cu:{run id}:{user id}` holds one of three things, distinguished by its first byte:
//!
//! - `U`: the user as JSON and the instant of the look-up, behind an HMAC over these and the key, for 10 s;
//! - `L`: the lease of one reader, its name behind it, for 2 s;
//! - `T`: a tombstone, the names of all writers at work behind it, each closed by `;`, for 30 s.
//!
//! A reader that finds a user answers with it. One that finds nothing leaves its lease there,
//! asks the database whether a writer holds the user's row, SELECTs, and, if none did, puts the
//! user in place of its lease, should that still be there. One that finds a lease, a tombstone or what it
//! cannot read, or has no answer, SELECTs and fills nothing.
//!
//! A writer
//!
//! 1. raises its tombstone, only to notice early that Redis hangs;
//! 2. locks the row;
//! 3. raises its tombstone again: this is the one that counts, and the one that is meant below;
//! 4. changes and commits;
//! 5. takes its name out of the tombstone, and whatever else is there away;
//! 6. answers.
//!
//! Could a reader then fill with what was there before the commit? Its lease would still have to be there.
//!
//! - A lease from before the tombstone is gone: the tombstone took its place.
//! - A lease from after it is possible only where the tombstone is gone early: lost, expired, never stored
//!   by a Redis that is full. If the row is still locked,
//!   the reader sees the lock and does not fill. If it is free, the SELECT sees the commit.
//!
//! That is promise (B), which rests on the tombstone. Promise (A) follows. It also holds when Redis was out of reach at the tombstone,
//! because after the commit nothing old stays: the writer takes it away, or waits until it has expired.
//!
//! What a stranger puts into Redis has no HMAC of ours. Readers treat it like a tombstone: they ask the
//! database and fill nothing. The same goes for a user that was copied from another key, and for one that
//! was kept and written back more than [`FRESH_SECONDS`] later, when a right may have ended.
//!
//! The run id is that of the Redis process. It changes with every start and differs between processes, so
//! neither a Redis that came back from an old dump nor a replica that was promoted revives anything.

use crate::model::user::CurrentUser;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use std::time::Duration;

/// How long a cached user lives, in milliseconds.
pub const USER_MS: u64 = 10_000;
/// How long a reader has for its SELECT before it may not fill the cache any more.
pub const LEASE_MS: u64 = 2_000;
/// How long a tombstone stands when its writer died: about as long as Postgres keeps the transaction of a dead
/// writer (5 s in a statement, 30 s idle). The row lock covers one that takes longer.
pub const TOMBSTONE_MS: u64 = 30_000;
/// How long a writer whose Redis is [`Reach::Silent`] waits after its commit. By then nothing older than
/// the commit is left there: a lease taken before it ends within 2 s, what was filled with that
/// lease within 10 s more; one second is for clocks that run unevenly.
pub const WAIT: Duration = Duration::from_millis(USER_MS + LEASE_MS + 1_000);
/// How many writers may have a place for such a wait. It is bounded so that a Redis that hangs does not take
/// every thread. A writer whose Redis is silent takes one before its commit, and is refused when there is
/// none. One that loses Redis only after its commit waits without a place.
pub const WAITERS: usize = 8;

/// First bytes of a cached user. The digit is to be raised when [`CurrentUser`] changes, so that
/// replicas of two versions do not read each other's.
const USER_MARK: &[u8] = b"U3";
/// How long after its look-up a user may still be believed, in seconds: its life, and a minute by which the
/// clocks of two replicas may differ. Where they differ by more, each asks the database.
pub const FRESH_SECONDS: u64 = USER_MS / 1_000 + 60;
/// Letters of the HMAC: 256 bits in base64.
const HMAC_LETTERS: usize = 43;

/// Look-ups: any number of users and counters in one call. `KEYS[i]` is asked what `ARGV[i]` says:
///
/// - `L…`: the user; where there is nothing, this lease is put there;
/// - `+ms`: count one more; if the window has no end, it ends in so many milliseconds;
/// - `=ms`: do not count; the same about the end;
/// - `?`: look only;
/// - `-`: take one back.
///
/// Where neither a lease nor a count was written, a `DEL` follows that changes nothing: a Redis that may not write (a primary that
/// was made a replica, or one with `min-replicas-to-write` that lost them) refuses it and with it the answer,
/// for writers may raise their tombstones on its successor by now.
pub const LOOK: &str = "
local out = {}
local wrote = false
for i, key in ipairs(KEYS) do
  local ask = ARGV[i]
  local kind = string.byte(ask) -- 76 is L, 43 is +, 61 is =, 45 is -
  if kind == 76 then
    local value = redis.call('GET', key)
    if not value then
      redis.call('SET', key, ask, 'PX', 2000)
      wrote = true
    end
    out[i] = value
  elseif kind == 43 or kind == 61 then
    local n = tonumber(redis.call(kind == 43 and 'INCR' or 'GET', key) or '0')
    local left = redis.call('PTTL', key)
    if left < 0 then
      left = tonumber(string.sub(ask, 2))
      redis.call('PEXPIRE', key, left)
      wrote = true
    end
    wrote = wrote or kind == 43
    out[i] = {n, left}
  else
    local n = tonumber(redis.call('GET', key) or '0')
    if kind == 45 and n > 0 then n = redis.call('DECR', key) end
    out[i] = {n, redis.call('PTTL', key)}
  end
end
if not wrote then redis.call('DEL', KEYS[1] .. '!') end
return out";

/// A reader puts the user (`ARGV[2]`) in place of its own lease (`ARGV[1]`), if that is there.
pub const FILL: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', 10000)
  return 1
end
return 0";

/// A writer (`ARGV[1]`) puts its tombstone over whatever is there; other writers' names stay.
/// A Redis that is full refuses SET but not DEL, which ends leases just as SET does; the row lock does the
/// rest. The length is bounded because writers that died leave their names behind.
pub const RAISE: &str = "
for _, key in ipairs(KEYS) do
  local value = redis.call('GET', key)
  local names = ARGV[1] .. ';'
  if value and string.byte(value) == 84 and #value < 4096 then
    if string.find(value, names, 1, true) then names = '' end
    names = string.sub(value, 2) .. names
  end
  local set = redis.pcall('SET', key, 'T' .. names, 'PX', 30000)
  if type(set) == 'table' and set.err then redis.call('DEL', key) end
end
return 1";

/// A writer (`ARGV[1]`) has committed: whatever is there goes, a lease taken before the commit
/// above all, except for the names of other writers that are still at work. A Redis that is full keeps our
/// name beside theirs until the tombstone expires; one that may not write has lowered nothing, which is an error.
pub const LOWER: &str = "
for _, key in ipairs(KEYS) do
  local value = redis.call('GET', key)
  local rest = ''
  if value and string.byte(value) == 84 then
    local from, to = string.find(value, ARGV[1] .. ';', 1, true)
    rest = string.sub(value, 2)
    if from then rest = string.sub(value, 2, from - 1) .. string.sub(value, to + 1) end
  end
  if rest == '' then
    redis.call('DEL', key)
  else
    local set = redis.pcall('SET', key, 'T' .. rest, 'KEEPTTL')
    if type(set) == 'table' and set.err and not string.find(set.err, 'OOM', 1, true) then return set end
  end
end
return 1";

/// What a look-up found under a user's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<U> {
    /// Nothing: our lease is there now.
    Nothing,
    /// The user.
    User(U),
    /// Another reader's lease, a writer's tombstone, or something that we cannot read.
    Busy,
}

/// What a reader does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadStep<U> {
    /// Answer with the cached user.
    Use(U),
    /// Load from the database and offer the result to the cache, unless a writer held the user's
    /// row when the load began: without that condition a writer whose tombstone Redis has lost
    /// could commit between our SELECT and our fill.
    LoadToFill,
    /// Load from the database and leave the cache alone.
    LoadOnly,
}

/// What a reader does after its look-up; `None`: Redis gave no answer.
pub fn after_look<U>(found: Option<Found<U>>) -> ReadStep<U> {
    match found {
        Some(Found::User(user)) => ReadStep::Use(user),
        Some(Found::Nothing) => ReadStep::LoadToFill,
        Some(Found::Busy) | None => ReadStep::LoadOnly,
    }
}

/// How Redis took a writer's command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It was carried out.
    Done,
    /// There is no Redis at this address: none is configured, connections are refused, its name is unknown, or
    /// its host is unreachable. Replicas share one address, so no replica reads from it either.
    Gone,
    /// No answer, or an unusable one. Others may still read from it.
    Silent,
}

/// What a writer does when its tombstone was sent and the commit is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeforeCommit {
    /// Go on.
    Commit,
    /// Take one of the [`WAITERS`] places, then go on; without a place give up.
    CommitAndWait,
}

/// What a writer does after its tombstone was sent.
pub fn after_raise(reach: Reach) -> BeforeCommit {
    match reach {
        Reach::Done | Reach::Gone => BeforeCommit::Commit,
        Reach::Silent => BeforeCommit::CommitAndWait,
    }
}

/// What a writer does after it tried to take its tombstone away again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterCommit {
    /// Answer the request.
    Answer,
    /// Try again.
    TryAgain,
}

/// What a writer does after it tried to take its tombstone away; `waited`: since its commit.
pub fn after_lower(reach: Reach, waited: Duration) -> AfterCommit {
    match reach {
        Reach::Done | Reach::Gone => AfterCommit::Answer,
        Reach::Silent if waited >= WAIT => AfterCommit::Answer,
        Reach::Silent => AfterCommit::TryAgain,
    }
}

/// The key of user `id` in the Redis process `run_id`.
pub fn key(prefix: &str, run_id: &str, id: i64) -> String {
    format!("{prefix}cu:{run_id}:{id}")
}

/// The bytes under the HMAC: the key, a line break (which no key has), the instant and the user.
fn bound(key: &str, text: &[u8]) -> Vec<u8> {
    [key.as_bytes(), b"\n", text].concat()
}

/// A user as a value for `key`, looked up at `now` (seconds since 1970). `None` cannot happen
/// with the types we have; it then costs a fill, no more.
pub fn encode(secret: &hmac::Key, key: &str, user: &CurrentUser, now: i64) -> Option<Vec<u8>> {
    let text = format!("{now} {}", serde_json::to_string(user).ok()?);
    let code = URL_SAFE_NO_PAD.encode(hmac::sign(secret, &bound(key, text.as_bytes())).as_ref());
    Some([USER_MARK, code.as_bytes(), text.as_bytes()].concat())
}

/// What a value under `key` is at `now`.
pub fn decode(secret: &hmac::Key, key: &str, value: &[u8], now: i64) -> Found<CurrentUser> {
    let user = || {
        let (claimed, text) = value.strip_prefix(USER_MARK)?.split_at_checked(HMAC_LETTERS)?;
        let claimed = URL_SAFE_NO_PAD.decode(claimed).ok()?;
        hmac::verify(secret, &bound(key, text), &claimed).ok()?;
        let (looked_up, json) = std::str::from_utf8(text).ok()?.split_once(' ')?;
        let is_fresh = looked_up.parse::<i64>().ok()?.abs_diff(now) <= FRESH_SECONDS;
        serde_json::from_str(json).ok().filter(|_| is_fresh)
    };
    user().map_or(Found::Busy, Found::User)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_have_the_times_of_the_constants() {
        assert!(LOOK.contains(&format!("'PX', {LEASE_MS})")));
        assert!(FILL.contains(&format!("'PX', {USER_MS})")));
        assert!(RAISE.contains(&format!("'PX', {TOMBSTONE_MS})")));
    }

    fn secret(text: &str) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())
    }

    #[test]
    fn a_user_counts_under_its_own_key_and_with_our_tag_only() {
        let user = CurrentUser {
            user: crate::model::user::User {
                id: 7,
                username: "ann".to_owned(),
                email: "ann@example.com".to_owned(),
                role: crate::model::user::Role::User,
                is_verified: true,
                is_active: true,
                avatar_key: None,
                created_at: chrono::DateTime::UNIX_EPOCH,
                language: None,
            },
            sessions: vec![1],
            pages: Vec::new(),
            app_passwords: Vec::new(),
        };
        let ours = secret("ours");
        let value = encode(&ours, "cu:run:7", &user, 1_000).unwrap();
        let at = |key: &str, now: i64| decode(&ours, key, &value, now);
        for now in [930, 1_000, 1_070] {
            assert_eq!(at("cu:run:7", now), Found::User(user.clone()));
        }
        for now in [929, 1_071, 100_000] {
            assert_eq!(at("cu:run:7", now), Found::Busy, "{now}");
        }
        assert_eq!(at("cu:run:8", 1_000), Found::Busy);
        assert_eq!(at("cu:later:7", 1_000), Found::Busy);
        assert_eq!(decode(&secret("other"), "cu:run:7", &value, 1_000), Found::Busy);
        let text = String::from_utf8(value).unwrap();
        let admin = text.replace("\"user\",\"is_ver", "\"admin\",\"is_ver");
        assert_ne!(admin, text);
        assert_eq!(decode(&ours, "cu:run:7", admin.as_bytes(), 1_000), Found::Busy);
        let younger = text.replacen("1000 {", "2000 {", 1);
        assert_ne!(younger, text);
        assert_eq!(decode(&ours, "cu:run:7", younger.as_bytes(), 2_000), Found::Busy);
    }

    #[test]
    fn whatever_is_no_user_of_this_version_is_left_alone() {
        for busy in ["", "Lx", "Tx;", "U", "U1", "U3{", "U4{}", "U2{}", "U3{}"] {
            assert_eq!(decode(&secret("ours"), "k", busy.as_bytes(), 0), Found::Busy, "{busy}");
        }
    }
}
