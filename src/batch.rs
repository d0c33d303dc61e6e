//! Several requests at once. Those that are ready at the same time ask Redis together, in one round
//! trip: taking turns at it would cost more than the rest of a quick request.

use crate::app::{self, InFlight};
use crate::cache::Asked;
use crate::context::App;
use http1::{Look, Refusal, Service};
use rouille::{Request, Response};
use std::io::Read;
use std::sync::Arc;

/// contactd as [`http1`] sees it.
pub struct Contacts(pub Arc<App>);

impl Service for Contacts {
    type InFlight = InFlight;

    fn body_limit(&self, method: &str, target: &str) -> u64 {
        app::body_limit(method, target)
    }

    fn begin(&self, request: Request) -> InFlight {
        InFlight::begin(&self.0, request)
    }

    fn ask(&self, together: &mut [InFlight]) {
        look_up(&self.0, together);
    }

    fn decide(&self, in_flight: InFlight) -> Look {
        in_flight.decide()
    }

    fn refuse(&self, refusal: Refusal, origin: Option<&str>) -> Response {
        app::refuse(&self.0, refusal, origin)
    }

    fn set_connections(&self, open: usize) {
        self.0.counters.set_connections(open as u64);
    }
}

/// Asks the cache about the users and the rate limits of all these requests.
pub fn look_up(app: &App, together: &mut [InFlight]) {
    let questions: Vec<_> = together
        .iter()
        .map(InFlight::question)
        .map(|(user, counters)| Asked { user, counters })
        .collect();
    let answers = app.cache.look_up(&questions, app.now());
    for (in_flight, answer) in together.iter_mut().zip(answers) {
        in_flight.set_looked_up(answer);
    }
}

/// Answers one request by itself, in the calling thread: for tests and tools without a server.
pub fn respond(app: &Arc<App>, request: Request) -> Response {
    let mut body = Vec::new();
    let limit = app::body_limit(request.method(), request.raw_url());
    if let Some(data) = request.data()
        && data.take(limit + 1).read_to_end(&mut body).is_err()
    {
        return app::refuse(app, Refusal { status: 400, detail: "The body ended early." }, None);
    }
    let mut in_flight = InFlight::begin(app, request);
    look_up(app, std::slice::from_mut(&mut in_flight));
    match in_flight.decide() {
        Look::Answer(response) => response,
        Look::Work(_, job) => job(body),
        Look::Ask(_, question) => match question(None) {
            Look::Answer(response) => response,
            Look::Work(_, job) => job(body),
            Look::Ask(..) => {
                app::refuse(app, Refusal { status: 500, detail: "Asked twice." }, None)
            }
        },
    }
}
