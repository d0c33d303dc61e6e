//! The worker threads: they run handlers, and pull and send answers. They never wait for a client.

use super::connection::{Connection, Need, State};
use super::gzip;
use super::incoming::Incoming;
use super::outgoing::Then;
use super::request::{Framing, Refusal};
use super::response::{self, Asked};
use super::shared::{Scratch, Shared};
use rouille::{Request, Response};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// After so many requests or parts of a stream on one connection, another one has its turn, if one
/// waits.
const TURNS: usize = 16;

/// The life of a worker: until the queue is closed.
pub fn run(shared: &Arc<Shared>) {
    let mut scratch = Scratch::default();
    while let Some(connection) = shared.queue.pop() {
        let token = connection.token;
        let served = catch_unwind(AssertUnwindSafe(|| serve(connection, shared, &mut scratch)));
        if served.is_err() {
            // Every call of the program is guarded by itself, so this is a fault of the front.
            log::error!("front: a worker panicked");
            scratch = Scratch::default();
            shared.release(token);
        }
    }
}

/// Serves one connection until it has nothing more to do just now.
fn serve(mut connection: Box<Connection>, shared: &Shared, scratch: &mut Scratch) {
    let mut now = Instant::now();
    let mut turns = 0;
    loop {
        match connection.drive(shared, scratch, now) {
            Need::Event => match shared.park(connection) {
                Some(again) => connection = again,
                None => return,
            },
            Need::Close => return shared.close(connection),
            Need::Turn | Need::Worker => {
                turns += 1;
                if turns > TURNS && !shared.queue.is_empty() {
                    return shared.queue.push(&mut vec![connection], true);
                }
                if !work(&mut connection, shared, scratch) {
                    return shared.close(connection);
                }
                now = Instant::now();
            }
        }
    }
}

/// What only a worker may do, because it may take time: run the handler, pull from a stream, drop
/// one. False when the connection is to be closed.
fn work(connection: &mut Connection, shared: &Shared, scratch: &mut Scratch) -> bool {
    let idle = State::Lingering { left: 0 };
    match std::mem::replace(&mut connection.state, idle) {
        State::Ready(incoming) => answer(connection, *incoming, shared, scratch),
        State::Writing(mut out) => {
            out.bytes.clear();
            out.sent = 0;
            let pulled = out.stream.as_mut().map(|stream| stream.pull(&mut out.bytes));
            match pulled {
                Some(Ok(last)) => {
                    if last {
                        out.stream = None;
                    }
                    connection.state = State::Writing(out);
                }
                Some(Err(e)) => {
                    log::error!("front: a streamed answer broke off: {e}");
                    connection.reset_on_close();
                    return false;
                }
                None => connection.state = State::Writing(out),
            }
        }
        State::Doomed(_) => return false,
        other => connection.state = other,
    }
    true
}

/// Runs the handler and begins to send its answer.
fn answer(connection: &mut Connection, incoming: Incoming, shared: &Shared, scratch: &mut Scratch) {
    let Incoming { head, body, cut, .. } = incoming;
    let mut headers = head.headers;
    if head.framing == Framing::Chunked {
        // The body is decoded: for the handler it has a length like any other.
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("transfer-encoding"));
        headers.push(("Content-Length".to_owned(), body.len().to_string()));
    }
    let mut asked = Asked {
        head_only: head.method == "HEAD",
        http_1_1: head.http_1_1,
        keep_alive: head.keep_alive && !cut,
        gzip: headers
            .iter()
            .any(|(n, v)| n.eq_ignore_ascii_case("accept-encoding") && gzip::is_accepted(v)),
    };
    let request =
        Request::fake_http_from(connection.remote, head.method, head.target, headers, body);
    let response = shared.respond(&request);
    drop(request);
    asked.keep_alive &= !shared.is_stopping();
    let mut out = scratch.out();
    let written = match response {
        Some(response) => write(response, asked, scratch, &mut out),
        None => Err(()),
    };
    let now = Instant::now();
    let Ok((stream, keep_alive)) = written else {
        let failed = Refusal { status: 500, detail: "The server failed to answer." };
        return connection.refuse(failed, shared, scratch, now);
    };
    let then = match keep_alive {
        true => Then::Next,
        // Who said close and sent no more sees the answer without further care.
        false if !head.keep_alive && !cut && !connection.has_input() => Then::Close,
        false => Then::Linger,
    };
    connection.begin(out, stream, then, shared, now);
}

type Written = (Option<response::Stream>, bool);

fn write(
    response: Response,
    asked: Asked,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Result<Written, ()> {
    response::write(response, asked, scratch.date.now(), out)
        .map_err(|response::Fault(what)| log::error!("front: the handler gave {what}"))
}
