//! What all threads of a server share.

use crate::budget::{Budget, Charge};
use crate::connection::Connection;
use crate::incoming::Incoming;
use crate::limits::Limits;
use crate::line::Line;
use crate::places::Places;
use crate::pool::Pool;
use crate::response::Asked;
use crate::room::Room;
use crate::service::{Admission, Job, Program, Question};
use crate::slow::Slow;
use std::net::IpAddr;
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
    pub slow: Slow,
    pub lines: Vec<Arc<Line<Ticket>>>,
    pub budget: Arc<Budget>,
    pub stage: AtomicU8,
}

/// A request that waits in a line.
pub struct Ticket {
    pub connection: Box<Connection>,
    pub exchange: Exchange,
    pub task: Task,
    pub admission: Admission,
    /// The memory of a large body.
    pub charge: Charge,
}

/// What is done when it is its turn.
pub enum Task {
    /// The work on a whole request, with its body.
    Work(Job, Vec<u8>),
    /// Finding out whether a request is accepted, of which the body may not be here yet.
    Ask(Question, Box<Incoming>),
}

/// What is left of a request while its answer is made.
pub struct Exchange {
    pub asked: Asked,
    /// The request's Origin field, for a refusal.
    pub origin: Option<String>,
}

impl Shared {
    /// A graceful stop has begun: no connection lives longer than its request.
    pub fn is_stopping(&self) -> bool {
        self.stage.load(Ordering::Relaxed) != RUNNING
    }

    /// There is a thread for something slow of this address, if need be because a slow one of a
    /// greedier address is ended.
    pub fn has_thread_for(&self, address: IpAddr) -> bool {
        self.pool.has_room() || self.slow.end_one(address)
    }
}
