//! What `/metrics` shows of requests: numbers that only grow, each an atomic, so that counting
//! takes no lock. `app.rs` counts, `metrics.rs` shows.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Most routes that have counters of their own.
pub const ROUTES_MAX: usize = 256;

/// Upper ends of the histogram's buckets, in seconds. The last one has none.
pub const BUCKETS: [f64; 7] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, f64::INFINITY];

/// Kinds of CardDAV clients: a word of their User-Agent in lower case, and what they are called here.
/// The first that fits counts; the last fits always.
pub const CLIENTS: [(&str, &str); 13] = [
    ("davx5", "davx5"),
    ("thunderbird", "thunderbird"),
    ("syncevolution", "syncevolution"),
    ("evolution", "evolution"),
    ("caldavsynchronizer", "outlook"),
    ("akonadi", "kde"),
    ("dav-resource", "kde"),
    ("vdirsyncer", "vdirsyncer"),
    ("fritz", "fritzbox"),
    ("ios/", "ios"),
    ("macos/", "macos"),
    ("mac os x/", "macos"),
    ("", "other"),
];

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
    clients: [AtomicU64; CLIENTS.len()],
    connections: AtomicU64,
}

impl Default for Counters {
    fn default() -> Counters {
        let routes = std::iter::repeat_with(RouteCounters::default).take(ROUTES_MAX).collect();
        let (others, clients) = (RouteCounters::default(), Default::default());
        Counters { routes, others, clients, connections: AtomicU64::new(0) }
    }
}

impl Counters {
    /// The counters of the route with this place in `ROUTES`; of `None`: of requests that belong
    /// to no route.
    pub fn of(&self, route: Option<usize>) -> &RouteCounters {
        route.and_then(|at| self.routes.get(at)).unwrap_or(&self.others)
    }

    /// Counts a request of the CardDAV client with this User-Agent; what it is called here.
    pub fn count_client(&self, user_agent: &str) -> Option<&'static str> {
        let agent = user_agent.to_lowercase();
        let mut known = CLIENTS.iter().zip(&self.clients);
        let ((_, kind), counter) = known.find(|((word, _), _)| agent.contains(word))?;
        counter.fetch_add(1, Relaxed);
        Some(kind)
    }

    /// Requests of CardDAV clients, as [`CLIENTS`] lists them.
    pub fn clients(&self) -> [u64; CLIENTS.len()] {
        self.clients.each_ref().map(|counter| counter.load(Relaxed))
    }

    /// Sets how many connections of clients are open.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_known_by_what_they_call_themselves() {
        let counters = Counters::default();
        for (agent, kind) in [
            ("iOS/18.1 (22B83) dataaccessd/1.0", "ios"),
            ("macOS/15.1 (24B83) AddressBookCore/2638", "macos"),
            ("Mac OS X/10.15.7 (19H15) AddressBookCore/1", "macos"),
            ("DAVx5/4.5.9-ose (dav4jvm; okhttp/5.2) Android/15", "davx5"),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4",
                "thunderbird",
            ),
            ("Evolution/3.46.4", "evolution"),
            ("vdirsyncer/0.21.0", "vdirsyncer"),
            ("", "other"),
        ] {
            assert_eq!(counters.count_client(agent), Some(kind), "{agent}");
        }
    }
}
