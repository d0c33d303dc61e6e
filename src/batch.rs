//! contactd's side of [`http1`]: what the server asks of the program, in the threads that also read sockets.
//! They may wait for Redis, which is bounded (`cache`), and never for Postgres. Requests that are ready at the
//! same time ask Redis together: a round trip for each would cost more than the rest of a quick request.

use crate::app::{self, InFlight};
use crate::context::App;
use http1::{Look, Refusal, Service};
use rouille::{Request, Response};
use std::io::Read;
use std::mem::take;
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

    fn look_up(&self, together: &mut [InFlight]) {
        look_up(&self.0, together);
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

/// Counts all these requests in their rate limits and gets their users from the cache. There is an answer for
/// each, without Redis too.
pub fn look_up(app: &App, together: &mut [InFlight]) {
    let asked: Vec<_> = together.iter().map(InFlight::asked).collect();
    let answers = app.cache.look_up(&asked, app.now());
    for (in_flight, answer) in together.iter_mut().zip(answers) {
        in_flight.looked_up = answer;
    }
}

/// Answers one request by itself, in the calling thread: for tests and tools without a server.
pub fn respond(app: &Arc<App>, request: Request) -> Response {
    respond_while(app, request, || ())
}

/// The same; `meanwhile` happens after [`InFlight::decide`] and before the work. The server hands over a small
/// body at once, and a large one to work that is accepted; here every body waits for that.
pub fn respond_while(app: &Arc<App>, request: Request, meanwhile: impl FnOnce()) -> Response {
    let mut body = Vec::new();
    let limit = app::body_limit(request.method(), request.raw_url());
    // One byte more than may be: the handler answers 413 then.
    if let Some(data) = request.data()
        && data.take(limit + 1).read_to_end(&mut body).is_err()
    {
        return app::refuse(app, Refusal { status: 400, detail: "The body ended early." }, None);
    }
    let mut in_flight = InFlight::begin(app, request);
    look_up(app, std::slice::from_mut(&mut in_flight));
    let mut look = in_flight.decide();
    meanwhile();
    loop {
        look = match look {
            Look::Answer(response) => return response,
            Look::Work(admission, work) => work(admission.is_accepted.then(|| take(&mut body))),
        };
    }
}
