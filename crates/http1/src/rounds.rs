//! The threads of the waiting room. Each takes what is ready, reads it once, has the program look at
//! all whole requests together, and sends each connection where it goes next. None waits for a
//! client.

use crate::client::Client;
use crate::connection::{Connection, Received};
use crate::deliver;
use crate::panics::guarded;
use crate::room::Wants;
use crate::shared::{Exchange, Shared};
use crate::work::{self, LookedAt};
use rouille::Request;
use std::sync::Arc;

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
            if let Some(Some((request, looked_at))) = step {
                requests.push(request);
                asking.push(looked_at);
            }
        }
        if requests.is_empty() {
            continue;
        }
        let looks = shared.program.look(requests);
        for (looked_at, look) in asking.into_iter().zip(looks) {
            guarded(|| {
                let client = Client::at(looked_at.connection.remote.ip());
                let unfinished = work::go_on(shared, looked_at, look, client);
                deliver::finish_elsewhere(shared, unfinished);
            });
        }
    }
}

/// Reads once. A whole request, or the head of a large one, is for the program.
fn receive(
    shared: &Arc<Shared>,
    mut connection: Box<Connection>,
    buffer: &mut Vec<u8>,
) -> Option<(Request, LookedAt)> {
    match connection.receive(buffer, &*shared.program, &shared.limits) {
        Ok(Received::Request(mut incoming)) => {
            let origin = incoming.field("origin").map(str::to_owned);
            let exchange = Exchange { asked: incoming.asked(), origin };
            let request = incoming.take_request(connection.remote);
            return Some((request, LookedAt { connection, incoming, exchange }));
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
