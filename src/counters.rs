//! What `/metrics` tells of requests: numbers that only grow, each an atomic, so that counting
//! takes no lock. `app.rs` counts, `metrics.rs` shows.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Most routes that can be told apart.
pub const ROUTES_MAX: usize = 128;

/// Upper ends of the histogram's buckets, in seconds. The last one has none.
pub const BUCKETS: [f64; 7] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, f64::INFINITY];

/// The requests of one route. Aligned so that two routes never share a cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct RouteCounters {
    /// Answers by the first digit of their status, 1 to 5.
    classes: [AtomicU64; 5],
    /// Answers by how long they took, see [`BUCKETS`].
    buckets: [AtomicU64; BUCKETS.len()],
    /// How long they took together.
    micros: AtomicU64,
}

impl RouteCounters {
    /// Counts an answer.
    pub fn count(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).wrapping_sub(1);
        let seconds = took.as_secs_f64();
        let bucket = BUCKETS.iter().position(|end| seconds <= *end);
        let bucket = bucket.and_then(|at| self.buckets.get(at));
        for counter in [self.classes.get(class), bucket].into_iter().flatten() {
            counter.fetch_add(1, Relaxed);
        }
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Answers of each class, `1xx` to `5xx`.
    pub fn classes(&self) -> [u64; 5] {
        self.classes.each_ref().map(|counter| counter.load(Relaxed))
    }

    /// Answers in each bucket, those of smaller ones not included.
    pub fn buckets(&self) -> [u64; BUCKETS.len()] {
        self.buckets.each_ref().map(|counter| counter.load(Relaxed))
    }

    /// Seconds that all answers took together.
    pub fn seconds(&self) -> f64 {
        Duration::from_micros(self.micros.load(Relaxed)).as_secs_f64()
    }
}

/// All counters of the process.
#[derive(Debug)]
pub struct Counters {
    routes: Box<[RouteCounters]>,
    others: RouteCounters,
    connections: AtomicU64,
}

impl Default for Counters {
    fn default() -> Counters {
        let routes = std::iter::repeat_with(RouteCounters::default).take(ROUTES_MAX).collect();
        Counters { routes, others: RouteCounters::default(), connections: AtomicU64::new(0) }
    }
}

impl Counters {
    /// The counters of the route with this place in `ROUTES`; of `None`: of requests that belong
    /// to no route.
    pub fn of(&self, route: Option<usize>) -> &RouteCounters {
        route.and_then(|at| self.routes.get(at)).unwrap_or(&self.others)
    }

    /// Tells how many connections of clients are open.
    pub fn set_connections(&self, open: u64) {
        // Written only when it is new: the workers read what lies beside it.
        if self.connections() != open {
            self.connections.store(open, Relaxed);
        }
    }

    /// How many connections of clients are open.
    pub fn connections(&self) -> u64 {
        self.connections.load(Relaxed)
    }
}
