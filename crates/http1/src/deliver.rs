//! Answers on their way: from a response to the socket, and to what the connection does next.

use crate::client::Client;
use crate::connection::{Connection, Stage};
use crate::outgoing::{Outgoing, Sent, Then};
use crate::request::Refusal;
use crate::response::{self, Asked};
use crate::room::Wants;
use crate::shared::{Exchange, Shared};
use rouille::Response;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Instant;

/// The answer to one request, or one connection, too many.
pub const OVERLOADED: Refusal =
    Refusal { status: 503, detail: "The server has too much to do just now." };
/// The answer to a request whose handler failed.
const FAILED: Refusal = Refusal { status: 500, detail: "The server failed to answer." };

/// An answer that has to be waited for.
pub struct Unfinished {
    connection: Box<Connection>,
    outgoing: Outgoing,
    client: Client,
}

/// Sends an answer as far as that needs no waiting, and the connection where it goes next. Without a
/// response the handler has failed.
#[must_use]
pub fn answer(
    shared: &Arc<Shared>,
    connection: Box<Connection>,
    response: Option<Response>,
    exchange: Exchange,
    client: Client,
) -> Option<Unfinished> {
    let mut asked = exchange.asked;
    asked.keep_alive &= !shared.is_stopping();
    let mut bytes = Vec::new();
    let fault = |response::Fault(what)| log::error!("http1: the handler gave {what}");
    let written = response.map(|it| response::write(it, asked, &mut bytes).map_err(fault));
    let Some(Ok((stream, keep_alive))) = written else {
        refuse(shared, connection, FAILED, exchange.origin.as_deref());
        return None;
    };
    let then = match keep_alive {
        true => Then::Next,
        // Who said close and sent no more sees the answer without further care.
        false if asked.is_last && connection.input.is_empty() => Then::Close,
        false => Then::Linger,
    };
    send(shared, Unfinished { connection, outgoing: Outgoing::new(bytes, stream, then), client })
}

/// Sends the answer to what is no request of ours. It is the last one on its connection.
pub fn refuse(
    shared: &Arc<Shared>,
    mut connection: Box<Connection>,
    refusal: Refusal,
    origin: Option<&str>,
) {
    connection.input = Vec::new();
    let outgoing = Outgoing::new(refusal_bytes(shared, refusal, origin), None, Then::Linger);
    let client = Client::at(connection.remote.ip());
    finish_elsewhere(shared, send(shared, Unfinished { connection, outgoing, client }));
}

/// Refuses a connection that has to go now, as far as its socket takes the answer.
pub fn evict(shared: &Shared, connection: &Connection, origin: Option<&str>) {
    let bytes = refusal_bytes(shared, OVERLOADED, origin);
    Outgoing::new(bytes, None, Then::Close).send(connection);
}

fn refusal_bytes(shared: &Shared, refusal: Refusal, origin: Option<&str>) -> Vec<u8> {
    let (head_only, http_1_1, keep_alive, is_last, gzip) = (false, true, false, false, false);
    let asked = Asked { head_only, http_1_1, keep_alive, is_last, gzip };
    let mut bytes = Vec::new();
    let response = shared.program.refuse(refusal, origin);
    let written = response.map(|it| response::write(it, asked, &mut bytes));
    if !matches!(written, Some(Ok((None, _)))) {
        log::error!("http1: the program has no answer for a {}", refusal.status);
        bytes.clear();
        response::plain_500(&mut bytes);
    }
    bytes
}

fn send(shared: &Shared, mut unfinished: Unfinished) -> Option<Unfinished> {
    match unfinished.outgoing.send(&unfinished.connection) {
        Sent::Whole => next(shared, unfinished.connection, unfinished.outgoing.then),
        Sent::Part => return Some(unfinished),
        Sent::Failed => {}
    }
    None
}

/// Sends the rest, if there is one, in a thread of the pool, if one can be had.
pub fn finish_elsewhere(shared: &Arc<Shared>, unfinished: Option<Unfinished>) {
    let Some(unfinished) = unfinished else { return };
    if !shared.has_thread_for(unfinished.connection.place.address) {
        return unfinished.connection.reset_on_close();
    }
    let this = Arc::clone(shared);
    shared.pool.run(Box::new(move || finish(&this, unfinished)));
}

/// Sends the rest, waiting for the client.
pub fn finish(shared: &Shared, unfinished: Unfinished) {
    let Unfinished { connection, mut outgoing, client } = unfinished;
    let mut charge = shared.budget.charge(client);
    let waiting = shared.slow.enter(&connection, Shutdown::Both);
    let sent = outgoing.send_slowly(&connection, &shared.limits, |bytes| charge.set(bytes));
    drop(waiting);
    match sent {
        Sent::Whole => next(shared, connection, outgoing.then),
        Sent::Part | Sent::Failed => connection.reset_on_close(),
    }
}

/// An answer is sent: the connection waits for the next request, or ends.
fn next(shared: &Shared, mut connection: Box<Connection>, then: Then) {
    let (now, limits) = (Instant::now(), &shared.limits);
    let wants = match then {
        Then::Close => return,
        Then::Linger => {
            if connection.stream.shutdown(Shutdown::Write).is_err() {
                return;
            }
            connection.deadline = now + limits.linger_time;
            connection.stage = Stage::Lingering(limits.linger_bytes);
            Wants::Input
        }
        Then::Next => {
            connection.stage = Stage::Idle;
            // Its turn comes when the client has taken enough of this answer.
            let (time, wants) = match connection.input.is_empty() {
                true => (limits.idle_time, Wants::Input),
                false => (limits.write_time, Wants::Turn),
            };
            connection.deadline = now + time;
            wants
        }
    };
    shared.room.put(connection, wants);
}
