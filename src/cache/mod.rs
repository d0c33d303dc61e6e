//! Redis: the current user, cached and never stale, and the counters of the rate limits.
//!
//! Two promises. (A) A request that starts after the answer to an update was sent sees that
//! update, on every replica. (B) The same from the moment of commit, even when the writer dies
//! before it answers. [`protocol`] says how; `tests/cache_model.rs` goes through every
//! interleaving and shows which step each promise rests on.
//!
//! Both hold as long as all replicas talk to the same Redis process, or to one that no other client
//! talks to any more, or to several of which only one may write (`min-replicas-to-write`: half of
//! the replicas, rounded up; `deploy/cluster/redis.conf`): one that may not write serves no user.
//! What they do not cover: Redis' clock set back by seconds; a proxy that
//! swaps the server behind an open connection; and (B), for at most 12 s, when the writer's
//! tombstone was never acknowledged because it alone cannot reach Redis.

mod connection;
mod limits;
pub mod protocol;
mod round_trip;
mod users;

pub use limits::Counter;
pub use round_trip::Cache;
pub use users::{Asked, Fence, Load, Loaded, LookedUp};
