//! contactd's side of [`http1`]: what the server asks of the program. `begin`, `look_up` and `decide` run in the
//! threads that also read sockets. `look_up` waits for Redis, once for all requests, and `decide` where a count has to
//! be moved; both are bounded (`cache`). None of them asks Postgres.
//! Requests that are ready at the same time ask Redis together: a round trip for each would cost more than the
//! rest of a quick request.

use crate::app::{self, InFlight};
use crate::context::App;
use http1::{Look, Refusal, Service};
use rouille::{Request, Response};
use std::sync::Arc;

/// contactd as [`http1`] sees it.
pub struct Contactd(pub Arc<App>);

impl Service for Contactd {
    type InFlight = InFlight;

    fn body_limit(&self, method: &str, target: &str) -> u64 {
        app::body_limit(method, target)
    }

    fn begin(&self, request: Request) -> InFlight {
        InFlight::begin(&self.0, request)
    }

    /// Counts all these requests in their rate limits and gets their users from the cache. Without
    /// Redis each is counted in this process, and its user is to be loaded.
    fn look_up(&self, together: &mut [InFlight]) {
        let asked: Vec<_> = together.iter().map(InFlight::asked).collect();
        let answers = self.0.cache.look_up(&asked, self.0.now());
        for (in_flight, answer) in together.iter_mut().zip(answers) {
            (in_flight.looked_up, in_flight.limits) = answer;
        }
    }

    fn decide(&self, in_flight: InFlight) -> Look {
        in_flight.decide()
    }

    fn refuse(&self, refusal: Refusal, origin: Option<&str>) -> Response {
        app::refuse(&self.0, refusal, origin)
    }

    fn set_connections(&self, open: usize) {
        // For /metrics.
        self.0.counters.set_connections(open as u64);
    }
}
