//! Stopping, from a signal handler's thread or a test.

use mio::Waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Serving.
pub const RUNNING: u8 = 0;
/// No new connections; the requests in flight are answered.
pub const DRAINING: u8 = 1;
/// `Server::run` returns at once.
pub const AT_ONCE: u8 = 2;

/// Stops its server. Clones stop the same one.
#[derive(Clone)]
pub struct Stopper {
    pub(super) stage: Arc<AtomicU8>,
    pub(super) waker: Arc<Waker>,
}

impl Stopper {
    /// The first call stops gracefully: no new connections, requests in flight are answered, idle
    /// connections close. A second one makes `Server::run` return at once.
    pub fn stop(&self) {
        let next = |stage: u8| Some(stage.saturating_add(1).min(AT_ONCE));
        let _ = self.stage.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        if let Err(e) = self.waker.wake() {
            // The poll set looks at the stage ten times a second anyway, while it has connections.
            log::error!("front: waking the poll set failed: {e}");
        }
    }
}
