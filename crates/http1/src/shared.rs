//! What all threads of a server share.

use crate::budget::{Budget, Charge};
use crate::connection::Connection;
use crate::incoming::Incoming;
use crate::limits::Limits;
use crate::line::Line;
use crate::places::Places;
use crate::pool::Pool;
use crate::room::Room;
use crate::service::{Admission, Program, Work};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Serving.
pub const RUNNING: u8 = 0;
/// No new connections; the requests in flight are answered.
pub const DRAINING: u8 = 1;
/// `Server::run` returns at once.
pub const AT_ONCE: u8 = 2;

/// One per server.
pub struct Shared {
    pub limits: Limits,
    pub program: Arc<dyn Program>,
    pub places: Arc<Places>,
    pub room: Room,
    pub pool: Arc<Pool>,
    pub lines: Vec<Arc<Line<Ticket>>>,
    pub budget: Arc<Budget>,
    pub stage: AtomicU8,
}

/// A request with the work on it, from the program's look at it to the answer.
pub struct Ticket {
    pub connection: Box<Connection>,
    pub incoming: Box<Incoming>,
    pub admission: Admission,
    pub work: Work,
    /// The memory of a large body, from when it is received.
    pub charge: Option<Charge>,
}

impl Shared {
    /// A graceful stop has begun: no connection lives longer than its request.
    pub fn is_stopping(&self) -> bool {
        self.stage.load(Ordering::Relaxed) != RUNNING
    }
}
