//! Redis: the current user, cached so that no update is missed, and the counters of the rate limits.
//!
//! Two promises. (A) A request that starts after the answer to an update was sent sees that
//! update, on every replica. (B) The same from the moment of commit, even when the writer dies
//! before it answers. [`protocol`] says how; `tests/cache_model.rs` goes through every
//! interleaving and shows which step each promise rests on.
//!
//! "Replica" is one of contactd's here; those of Redis are called its replicas. Both promises hold if one of
//! these is true:
//!
//! 1. all of contactd's replicas talk to the same Redis process;
//! 2. all of them have left the old one before a writer uses the new one;
//! 3. of several Redis processes only one may write, since one that may not serves no user. It wants
//!    `min-replicas-to-write`, half of Redis' replicas rounded up, and a promotion that takes longer than
//!    `min-replicas-max-lag`, as in `deploy/cluster/`. (Of a network that is cut in two see docs/cluster.md.)
//!
//! What they do not cover:
//!
//! - what ends by the clock, such as a program's session: it may count until the cached user ends, 10 s;
//! - Redis' clock set back, or its machine stopped and resumed, by seconds;
//! - a proxy that swaps the server behind an open connection;
//! - a primary that another one replaced, and that becomes primary again within 10 s without a restart;
//! - for at most 12 s (a lease and what is filled with it), a writer whose own connections to Redis are all
//!   gone and that is then told, wrongly, that Redis is not there (its address refuses, its name is unknown)
//!   while others still have theirs;
//! - promise (B), from the commit for as long, when Redis did not acknowledge the writer's tombstone. (A) still
//!   holds, since the writer answers only after that time.

mod connection;
mod limits;
pub mod protocol;
mod round_trip;
mod users;

pub use limits::Counter;
pub use round_trip::Cache;
pub use users::{Asked, Fence, Load, Loaded, LookedUp};
