//! Redis: the current user, cached and never stale, and the counters of the rate limits.
//!
//! Two promises. (A) A request that starts after the answer to an update was sent sees that
//! update, on every replica. (B) The same from the moment of commit, even when the writer dies
//! before it answers. [`protocol`] says how; `tests/cache_model.rs` goes through every
//! interleaving and shows which step each promise rests on.
//!
//! "Replica" is one of contactd's here; those of Redis are called its replicas. Both promises hold as long as
//! all of contactd's replicas talk to the same Redis process, or have all left the old one before a writer
//! uses the new one, or to several of which only one may write (`min-replicas-to-write`: half of Redis'
//! replicas, rounded up, and a promotion that takes longer than `min-replicas-max-lag`;
//! `deploy/cluster/redis.conf`): one that may not write serves no user. What they do not cover:
//!
//! - Redis' clock set back, or its machine stopped and resumed, by seconds;
//! - a proxy that swaps the server behind an open connection;
//! - a primary that another one replaced, and that becomes primary again within 10 s without a restart;
//! - for 10 s, a writer whose own connections to Redis are all gone and that is then told, wrongly, that Redis
//!   is not there (its address refuses, its name is unknown) while others still have theirs;
//! - promise (B), for at most 12 s (a lease and what is filled with it), when the writer's tombstone was never
//!   acknowledged and the writer died, or the answer to its commit was lost.

mod connection;
mod limits;
pub mod protocol;
mod round_trip;
mod users;

pub use limits::Counter;
pub use round_trip::Cache;
pub use users::{Asked, Fence, Load, Loaded, LookedUp};
