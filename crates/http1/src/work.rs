//! What may wait, as blocking code in a thread of the pool: a large body, and the work that gives an
//! answer.

use crate::budget::Charge;
use crate::connection::Connection;
use crate::deliver::{self, OVERLOADED};
use crate::incoming::Incoming;
use crate::line::Line;
use crate::request::Refusal;
use crate::service::{Work, guarded};
use crate::shared::{Exchange, Shared, Ticket};
use std::net::Shutdown;
use std::sync::Arc;

const TOO_MUCH: Refusal = Refusal { status: 503, detail: "Too much is being uploaded just now." };
const NO_CONTINUE: Refusal =
    Refusal { status: 400, detail: "The connection does not take a 100 Continue." };
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A request that the program has accepted, with its body as far as it is here.
pub struct Accepted {
    pub connection: Box<Connection>,
    pub exchange: Exchange,
    pub incoming: Box<Incoming>,
    pub work: Work,
}

/// Puts an accepted request into its line; first its body is received, in a thread of the pool.
pub fn begin(shared: &Arc<Shared>, accepted: Accepted) {
    let (this, address) = (Arc::clone(shared), accepted.connection.place.address);
    if accepted.incoming.done {
        if let Some(line) = enqueue(shared, accepted, None) {
            // Without a thread the runner waits for the next one, and what is in the line two seconds.
            shared.has_thread_for(address);
            shared.pool.run(Box::new(move || run(&this, &line)));
        }
    } else if shared.has_thread_for(address) {
        shared.pool.run(Box::new(move || receive(&this, accepted)));
    } else {
        let Accepted { connection, exchange, .. } = accepted;
        deliver::refuse(shared, connection, OVERLOADED, exchange.origin.as_deref());
    }
}

/// Receives the body, and goes on with the line.
fn receive(shared: &Arc<Shared>, mut accepted: Accepted) {
    let Accepted { connection, exchange, incoming, work } = &mut accepted;
    let mut charge = shared.budget.charge(work.client);
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
            if let Some(line) = enqueue(shared, accepted, Some(charge)) {
                run(shared, &line);
            }
        }
        Ok(false) if was_ended => deliver::evict(shared, connection, exchange.origin.as_deref()),
        Ok(false) => {}
        Err(refusal) => {
            let Accepted { connection, exchange, .. } = accepted;
            deliver::refuse(shared, connection, refusal, exchange.origin.as_deref());
        }
    }
}

/// Puts a whole request into its line; the line, if it needs a runner.
fn enqueue(
    shared: &Arc<Shared>,
    accepted: Accepted,
    charge: Option<Charge>,
) -> Option<Arc<Line<Ticket>>> {
    let Accepted { connection, exchange, incoming, work } = accepted;
    let charge = charge.unwrap_or_else(|| shared.budget.charge(work.client));
    let Some(line) = shared.lines.get(work.line).or(shared.lines.first()) else {
        deliver::refuse(shared, connection, OVERLOADED, exchange.origin.as_deref());
        return None;
    };
    let client = work.client;
    let ticket =
        Ticket { connection, exchange, run: work.run, body: incoming.body, charge, client };
    let pushed = line.push(client, work.most, ticket);
    pushed.refused.into_iter().for_each(|ticket| refuse_ticket(shared, ticket));
    pushed.needs_runner.then(|| Arc::clone(line))
}

/// A runner of a line: does one thing after another until nothing waits, or an answer has to be
/// waited for.
fn run(shared: &Arc<Shared>, line: &Arc<Line<Ticket>>) {
    while let Some((ticket, running)) = line.next() {
        let unfinished = guarded(|| {
            let Ticket { connection, exchange, run, body, charge, client } = ticket;
            let response = guarded(|| run(body));
            drop((running, charge));
            deliver::answer(shared, connection, response, exchange, client)
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
