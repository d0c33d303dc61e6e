//! What may wait, as blocking code in a thread of the pool: a large body, the question whether it is
//! wanted, and the work that gives an answer.

use crate::budget::Charge;
use crate::client::Client;
use crate::connection::Connection;
use crate::deliver::{self, OVERLOADED, Unfinished};
use crate::incoming::Incoming;
use crate::line::Line;
use crate::panics::guarded;
use crate::request::Refusal;
use crate::service::{Admission, Job, Look};
use crate::shared::{Exchange, Shared, Task, Ticket};
use std::net::Shutdown;
use std::sync::Arc;

const TOO_MUCH: Refusal = Refusal { status: 503, detail: "Too much is being uploaded just now." };
const NO_CONTINUE: Refusal =
    Refusal { status: 400, detail: "The connection does not take a 100 Continue." };
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A request that the program has looked at, with its body as far as it is here.
pub struct LookedAt {
    pub connection: Box<Connection>,
    pub incoming: Box<Incoming>,
    pub exchange: Exchange,
}

impl LookedAt {
    /// The whole request, ready for its line.
    fn into_ticket(self, admission: Admission, job: Job, charge: Charge) -> Ticket {
        let LookedAt { connection, incoming, exchange } = self;
        Ticket { connection, exchange, task: Task::Work(job, incoming.body), admission, charge }
    }
}

/// Goes on with a request as the program wants it; `None`: the program failed. An answer is charged to
/// `client`; what of it has to be waited for is returned.
#[must_use]
pub fn go_on(
    shared: &Arc<Shared>,
    looked_at: LookedAt,
    look: Option<Look>,
    client: Client,
) -> Option<Unfinished> {
    let response = match look {
        Some(Look::Work(admission, job)) => {
            begin(shared, looked_at, admission, job);
            return None;
        }
        Some(Look::Ask(admission, question)) => {
            let LookedAt { connection, incoming, exchange } = looked_at;
            let charge = shared.budget.charge(admission.client);
            let task = Task::Ask(question, incoming);
            start(shared, Ticket { connection, exchange, task, admission, charge });
            return None;
        }
        Some(Look::Answer(response)) => Some(response),
        None => None,
    };
    let LookedAt { connection, incoming, mut exchange } = looked_at;
    // Where the body was not received, what follows is no request.
    exchange.asked.keep_alive &= incoming.done && !incoming.cut;
    exchange.asked.is_last &= incoming.done;
    deliver::answer(shared, connection, response, exchange, client)
}

/// Puts an accepted request into its line; first its body is received, in a thread of the pool.
fn begin(shared: &Arc<Shared>, accepted: LookedAt, admission: Admission, job: Job) {
    let this = Arc::clone(shared);
    if accepted.incoming.done {
        let charge = shared.budget.charge(admission.client);
        start(shared, accepted.into_ticket(admission, job, charge));
    } else if shared.has_thread_for(accepted.connection.place.address) {
        shared.pool.run(Box::new(move || receive(&this, accepted, admission, job)));
    } else {
        let LookedAt { connection, exchange, .. } = accepted;
        deliver::refuse(shared, connection, OVERLOADED, exchange.origin.as_deref());
    }
}

/// Puts a request into its line, and has the line run if it needs a runner.
fn start(shared: &Arc<Shared>, ticket: Ticket) {
    let address = ticket.connection.place.address;
    let Some(line) = enqueue(shared, ticket) else { return };
    // Without a thread the runner waits for the next one, and what is in the line two seconds.
    shared.has_thread_for(address);
    let this = Arc::clone(shared);
    shared.pool.run(Box::new(move || run(&this, &line)));
}

/// Receives the body, and goes on with the line.
fn receive(shared: &Arc<Shared>, mut accepted: LookedAt, admission: Admission, job: Job) {
    let LookedAt { connection, incoming, exchange } = &mut accepted;
    let mut charge = shared.budget.charge(admission.client);
    let waiting = shared.slow.enter(connection, Shutdown::Read);
    let received = if incoming.waits_for_continue()
        && connection.input.is_empty()
        && connection.send(CONTINUE) != Ok(CONTINUE.len())
    {
        // Nothing is unsent before it: if these bytes do not fit, something is wrong.
        Err(NO_CONTINUE)
    } else {
        let grown = |bytes| if charge.set(bytes) { Ok(()) } else { Err(TOO_MUCH) };
        connection.receive_body(incoming, &shared.limits, grown)
    };
    let was_ended = waiting.was_ended();
    drop(waiting);
    exchange.asked.keep_alive &= !incoming.cut;
    match received {
        Ok(true) => {
            if let Some(line) = enqueue(shared, accepted.into_ticket(admission, job, charge)) {
                run(shared, &line);
            }
        }
        Ok(false) if was_ended => deliver::evict(shared, connection, exchange.origin.as_deref()),
        Ok(false) => {}
        Err(refusal) => {
            let LookedAt { connection, exchange, .. } = accepted;
            deliver::refuse(shared, connection, refusal, exchange.origin.as_deref());
        }
    }
}

/// Puts something into its line; the line, if it needs a runner.
fn enqueue(shared: &Arc<Shared>, ticket: Ticket) -> Option<Arc<Line<Ticket>>> {
    let admission = ticket.admission;
    let Some(line) = shared.lines.get(admission.line).or(shared.lines.first()) else {
        refuse_ticket(shared, ticket);
        return None;
    };
    let pushed = line.push(admission.client, admission.most, ticket);
    pushed.refused.into_iter().for_each(|ticket| refuse_ticket(shared, ticket));
    pushed.needs_runner.then(|| Arc::clone(line))
}

/// A runner of a line: does one thing after another until nothing waits, or an answer has to be
/// waited for.
fn run(shared: &Arc<Shared>, line: &Arc<Line<Ticket>>) {
    while let Some((ticket, running)) = line.next() {
        let unfinished = guarded(|| {
            let Ticket { connection, exchange, task, charge, admission } = ticket;
            match task {
                Task::Work(run, body) => {
                    let response = guarded(|| run(body));
                    drop((running, charge));
                    deliver::answer(shared, connection, response, exchange, admission.client)
                }
                Task::Ask(run, mut incoming) => {
                    let body = incoming.done.then(|| std::mem::take(&mut incoming.body));
                    let look = guarded(|| run(body));
                    drop((running, charge));
                    go_on(
                        shared,
                        LookedAt { connection, incoming, exchange },
                        look,
                        admission.client,
                    )
                }
            }
        });
        if let Some(Some(unfinished)) = unfinished {
            if line.leave() {
                let (this, line) = (Arc::clone(shared), Arc::clone(line));
                shared.pool.run(Box::new(move || run(&this, &line)));
            }
            return deliver::finish(shared, unfinished);
        }
    }
}

/// Refuses what has waited too long, or has no place.
pub fn refuse_ticket(shared: &Arc<Shared>, ticket: Ticket) {
    deliver::refuse(shared, ticket.connection, OVERLOADED, ticket.exchange.origin.as_deref());
}
