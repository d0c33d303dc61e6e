//! The way of a request through the threads.
//!
//! The threads of the waiting room ([`wait`]) take what is ready, read it once, have the program look at
//! all whole requests together, and send each connection where it goes next. None waits for a client.
//!
//! What may wait is blocking code in a thread of the pool: a large body ([`receive_body`]), and the work
//! that gives an answer ([`run`]), when its turn in the line has come.

use crate::connection::{Connection, Received};
use crate::deliver::{self, OVERLOADED, Outgoing, Then};
use crate::incoming::Incoming;
use crate::line::Line;
use crate::panics::guarded;
use crate::request::Refusal;
use crate::room::Wants;
use crate::service::{Client, Look};
use crate::shared::{Shared, Ticket};
use std::net::Shutdown;
use std::sync::Arc;

const TOO_MUCH: Refusal = Refusal { status: 503, detail: "Too much is being uploaded just now." };
const NO_CONTINUE: Refusal =
    Refusal { status: 400, detail: "The connection does not take a 100 Continue." };
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The life of a thread of the waiting room: until the room is closed.
pub fn wait(shared: &Arc<Shared>) {
    let (mut tokens, mut buffer) = (Vec::new(), Vec::new());
    while !shared.room.is_closed() {
        shared.room.wait(&mut tokens);
        let (mut asking, mut requests) = (Vec::new(), Vec::new());
        for token in tokens.drain(..) {
            let Some(connection) = shared.room.take_if(token, |_| true) else { continue };
            // A panic ends this connection, and nothing else.
            let step = guarded(|| receive(shared, connection, &mut buffer));
            if let Some(Some((connection, mut incoming))) = step {
                requests.push(incoming.take_request(connection.remote));
                asking.push((connection, incoming));
            }
        }
        if requests.is_empty() {
            continue;
        }
        let looks = shared.program.look(requests);
        for ((connection, incoming), look) in asking.into_iter().zip(looks) {
            guarded(|| {
                let client = Client::Network(connection.place.address);
                let rest = go_on(shared, connection, incoming, look, client);
                deliver::finish_elsewhere(shared, rest);
            });
        }
    }
}

/// Reads once. Returns a request for the program: whole, or the head of a large one. Everything else is dealt
/// with here.
fn receive(
    shared: &Arc<Shared>,
    mut connection: Box<Connection>,
    buffer: &mut Vec<u8>,
) -> Option<(Box<Connection>, Box<Incoming>)> {
    match connection.receive(buffer, &*shared.program, &shared.limits) {
        Ok(Received::Request(incoming)) => return Some((connection, incoming)),
        Ok(Received::Part) => shared.room.put(connection, Wants::Input),
        Ok(Received::End) => {}
        Err(refusal) => deliver::refuse(shared, connection, refusal, Then::Linger),
    }
    None
}

/// Goes on with a request as the program wants it; `look` is `None` when it panicked. An answer is charged to
/// `client`. Returns what of it has to be waited for.
#[must_use]
fn go_on(
    shared: &Arc<Shared>,
    connection: Box<Connection>,
    incoming: Box<Incoming>,
    look: Option<Look>,
    client: Client,
) -> Option<Outgoing> {
    let (admission, work) = match look {
        Some(Look::Work(admission, work)) => (admission, work),
        Some(Look::Answer(it)) => {
            return deliver::answer(shared, connection, &incoming, Some(it), client);
        }
        None => return deliver::answer(shared, connection, &incoming, None, client),
    };
    let address = connection.place.address;
    let ticket = Ticket { connection, incoming, admission, work, charge: None };
    let this = Arc::clone(shared);
    // Where the caller has to be looked up before a large body, the work runs without it first (see `Work`).
    if ticket.incoming.done || !admission.is_accepted {
        let line = enqueue(shared, ticket);
        // A runner that another address called may be waiting for a thread, for longer than this one can.
        if line.is_some() || shared.pool.is_behind() {
            // If no thread can be had, the runner is queued, and the line waits with it (`LineLimits::wait`).
            shared.pool.make_room_for(address);
        }
        if let Some(line) = line {
            shared.pool.run(move || run(&this, &line));
        }
    } else if shared.pool.make_room_for(address) {
        shared.pool.run(move || receive_body(&this, ticket));
    } else {
        refuse(shared, ticket, OVERLOADED, Then::Linger);
    }
    None
}

/// Receives the body, and goes on with the line.
fn receive_body(shared: &Arc<Shared>, mut ticket: Ticket) {
    let Ticket { connection, incoming, admission, charge, .. } = &mut ticket;
    let charge = charge.insert(shared.budget.charge(admission.client));
    let waiting = shared.pool.waits(connection, Shutdown::Read);
    let received = if incoming.waits_for_continue()
        && connection.input.is_empty()
        && connection.send(CONTINUE) != Ok(CONTINUE.len())
    {
        // Every earlier answer is sent: if these few bytes do not fit into the socket, something is wrong.
        Err(NO_CONTINUE)
    } else {
        let grown = |bytes| if charge.set(bytes) { Ok(()) } else { Err(TOO_MUCH) };
        connection.receive_body(incoming, &shared.limits, grown)
    };
    let was_ended = waiting.was_ended();
    drop(waiting);
    match received {
        Ok(true) => {
            if let Some(line) = enqueue(shared, ticket) {
                run(shared, &line);
            }
        }
        Ok(false) if was_ended => refuse(shared, ticket, OVERLOADED, Then::Close),
        Ok(false) => {}
        Err(refusal) => refuse(shared, ticket, refusal, Then::Linger),
    }
}

/// Puts a ticket into its line. Returns the line if it needs one more runner.
fn enqueue(shared: &Arc<Shared>, ticket: Ticket) -> Option<Arc<Line<Ticket>>> {
    let admission = ticket.admission;
    let Some(line) = shared.lines.get(admission.line).or(shared.lines.first()) else {
        refuse(shared, ticket, OVERLOADED, Then::Linger);
        return None;
    };
    let (needs_runner, refused) = line.push(admission.client, admission.most, ticket);
    refused.into_iter().for_each(|it| refuse(shared, it, OVERLOADED, Then::Linger));
    needs_runner.then(|| Arc::clone(line))
}

/// A runner of a line: does one thing after another until nothing that waits may begin, or an answer has to be
/// waited for.
fn run(shared: &Arc<Shared>, line: &Arc<Line<Ticket>>) {
    while let Some((ticket, running)) = line.next() {
        let rest = guarded(|| {
            let Ticket { connection, mut incoming, admission, work, charge } = ticket;
            let body = incoming.done.then(|| std::mem::take(&mut incoming.body));
            let look = guarded(|| work(body));
            drop((running, charge));
            go_on(shared, connection, incoming, look, admission.client)
        });
        if let Some(Some(rest)) = rest {
            if line.leave() {
                let (this, line) = (Arc::clone(shared), Arc::clone(line));
                shared.pool.run(move || run(&this, &line));
            }
            return rest.finish(shared);
        }
    }
}

/// Refuses a request that was looked at: its connection does not know it any more.
pub fn refuse(shared: &Arc<Shared>, ticket: Ticket, refusal: Refusal, then: Then) {
    let Ticket { connection, incoming, .. } = ticket;
    let rest = deliver::refusal_of(shared, connection, refusal, Some(&incoming), then);
    deliver::finish_elsewhere(shared, rest);
}
