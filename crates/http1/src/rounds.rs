//! The threads of the waiting room. Each takes what is ready, reads it once, has the program look at
//! all whole requests together, and sends each connection where it goes next. None waits for a
//! client.

use crate::client::Client;
use crate::connection::{Connection, Received};
use crate::deliver;
use crate::incoming::Incoming;
use crate::room::Wants;
use crate::service::{Look, guarded};
use crate::shared::{Exchange, Shared};
use crate::work::{self, Accepted};
use rouille::Request;
use std::sync::Arc;

/// A request that the program looks at.
struct Asking {
    connection: Box<Connection>,
    incoming: Box<Incoming>,
    exchange: Exchange,
}

/// The life of a thread: until the room is closed.
pub fn run(shared: &Arc<Shared>) {
    let (mut tokens, mut buffer) = (Vec::new(), Vec::new());
    while !shared.room.is_closed() {
        shared.room.wait(&mut tokens);
        let (mut asking, mut requests) = (Vec::new(), Vec::new());
        for token in tokens.drain(..) {
            let Some(connection) = shared.room.take_if(token, |_| true) else { continue };
            // A panic ends this connection, and nothing else.
            let step = guarded(|| receive(shared, connection, &mut buffer));
            if let Some(Some((request, asks))) = step {
                requests.push(request);
                asking.push(asks);
            }
        }
        if requests.is_empty() {
            continue;
        }
        let looks = shared.program.look(requests);
        for (asks, look) in asking.into_iter().zip(looks) {
            guarded(|| go_on(shared, asks, look));
        }
    }
}

/// Reads once. A whole request, or the head of a large one, is for the program.
fn receive(
    shared: &Arc<Shared>,
    mut connection: Box<Connection>,
    buffer: &mut Vec<u8>,
) -> Option<(Request, Asking)> {
    match connection.receive(buffer, &*shared.program, &shared.limits) {
        Ok(Received::Request(mut incoming)) => {
            let origin = incoming.field("origin").map(str::to_owned);
            let exchange = Exchange { asked: incoming.asked(), origin };
            let request = incoming.take_request(connection.remote);
            return Some((request, Asking { connection, incoming, exchange }));
        }
        Ok(Received::Part) => shared.room.put(connection, Wants::Input),
        Ok(Received::End) => {}
        Err(refusal) => {
            let origin = connection.origin();
            deliver::refuse(shared, connection, refusal, origin.as_deref());
        }
    }
    None
}

/// Goes on with a request that the program has looked at; `None`: it failed.
fn go_on(shared: &Arc<Shared>, asking: Asking, look: Option<Look>) {
    let Asking { connection, incoming, mut exchange } = asking;
    let response = match look {
        Some(Look::Work(work)) => {
            return work::begin(shared, Accepted { connection, exchange, incoming, work });
        }
        Some(Look::Answer(response)) => Some(response),
        None => None,
    };
    // Where the body was not received, what follows is no request.
    exchange.asked.keep_alive &= incoming.done && !incoming.cut;
    exchange.asked.is_last &= incoming.done;
    let client = Client::at(connection.remote.ip());
    let unfinished = deliver::answer(shared, connection, response, exchange, client);
    deliver::finish_elsewhere(shared, unfinished);
}
