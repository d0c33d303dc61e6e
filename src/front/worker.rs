//! The worker threads: they run handlers, and pull and send answers. They never wait for a client.

use super::Prepared;
use super::connection::{Connection, Need, State};
use super::gzip;
use super::incoming::Incoming;
use super::listener::OVERLOADED;
use super::outgoing::Then;
use super::queue::Last;
use super::request::{Framing, Refusal};
use super::response::{self, Asked, Pending};
use super::shared::{Scratch, Shared};
use rouille::{Request, Response};
use std::cell::LazyCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// The life of a worker: until the queue is closed.
pub fn run(shared: &Arc<Shared>) {
    let mut scratch = Scratch::default();
    let mut taken = Vec::new();
    let mut last = Last::Nothing;
    loop {
        last = shared.queue.exchange(&mut taken, last);
        if last == Last::Nothing {
            return;
        }
        // Steps are guarded one by one; this is for what is between them, so that a worker that has a
        // place in the queue's counts always gives it back.
        if catch_unwind(AssertUnwindSafe(|| round(&mut taken, shared, &mut scratch))).is_err() {
            log::error!("front: a worker panicked");
        }
    }
}

/// Goes on with these connections, and leaves in `taken` those that have more to do just now.
fn round(taken: &mut Vec<Box<Connection>>, shared: &Shared, scratch: &mut Scratch) {
    let (mut requests, mut askers) = (Vec::new(), Vec::new());
    let mut next = Vec::new();
    for connection in taken.drain(..) {
        let step = if connection.is_quick() { go_on } else { work };
        let Some(mut connection) = guarded(connection, shared, scratch, step) else { continue };
        match take_request(&mut connection) {
            Some((request, asked)) => {
                requests.push(request);
                askers.push((connection, asked));
            }
            None => next.push(connection),
        }
    }
    *taken = next;
    if requests.is_empty() {
        return;
    }
    let room = LazyCell::new(|| shared.queue.room_for_jobs());
    let mut jobs = 0;
    let mut prepared = shared.prepare(&requests).unwrap_or_default().into_iter();
    for ((mut connection, asked), request) in askers.into_iter().zip(requests) {
        let job = match prepared.next() {
            Some(Prepared::Job(_) | Prepared::Respond) if jobs >= *room => {
                taken.extend(guarded(connection, shared, scratch, refuse));
                continue;
            }
            Some(Prepared::Job(job)) => Some(job),
            Some(Prepared::Respond) => None,
            done => {
                let response = match done {
                    Some(Prepared::Answer(response)) => Some(response),
                    _ => None, // the program has failed
                };
                taken.extend(guarded(
                    connection,
                    shared,
                    scratch,
                    |mut connection, shared, scratch| {
                        answer(&mut connection, response, asked, shared, scratch);
                        go_on(connection, shared, scratch)
                    },
                ));
                continue;
            }
        };
        jobs += 1;
        connection.state = State::Prepared(Box::new(Pending { request, job, asked }));
        taken.push(connection);
    }
}

/// Takes a step with a connection. Every call of the program is guarded by itself, so a panic here
/// is a fault of the front; it costs this one connection.
fn guarded(
    connection: Box<Connection>,
    shared: &Shared,
    scratch: &mut Scratch,
    step: impl FnOnce(Box<Connection>, &Shared, &mut Scratch) -> Option<Box<Connection>>,
) -> Option<Box<Connection>> {
    let token = connection.token;
    let step = AssertUnwindSafe(|| step(connection, shared, scratch));
    catch_unwind(step).unwrap_or_else(|_| {
        log::error!("front: a worker panicked");
        shared.release(token);
        None
    })
}

/// Goes on with a connection until it waits for somebody. `None` when that is its client, or it is
/// closed.
fn go_on(
    mut connection: Box<Connection>,
    shared: &Shared,
    scratch: &mut Scratch,
) -> Option<Box<Connection>> {
    loop {
        match connection.drive(shared, scratch, Instant::now()) {
            Need::Event => connection = shared.park(connection)?,
            Need::Close => {
                shared.close(connection);
                return None;
            }
            Need::Turn | Need::Worker => return Some(connection),
        }
    }
}

/// Answers 503: there are too many jobs already.
fn refuse(
    mut connection: Box<Connection>,
    shared: &Shared,
    scratch: &mut Scratch,
) -> Option<Box<Connection>> {
    connection.refuse(OVERLOADED, shared, scratch, Instant::now());
    go_on(connection, shared, scratch)
}

/// What may take time: runs the handler, pulls from a stream, drops one; and goes on.
fn work(
    mut connection: Box<Connection>,
    shared: &Shared,
    scratch: &mut Scratch,
) -> Option<Box<Connection>> {
    let idle = State::Lingering { left: 0 };
    match std::mem::replace(&mut connection.state, idle) {
        State::Prepared(pending) => {
            let Pending { request, job, asked } = *pending;
            let response = shared.respond(&request, job);
            answer(&mut connection, response, asked, shared, scratch);
        }
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
                    shared.close(connection);
                    return None;
                }
                None => connection.state = State::Writing(out),
            }
        }
        State::Doomed(_) => {
            shared.close(connection);
            return None;
        }
        other => connection.state = other,
    }
    go_on(connection, shared, scratch)
}

/// The request of a connection that has a whole one, for the program, and what decides about the
/// form of its answer.
fn take_request(connection: &mut Connection) -> Option<(Request, Asked)> {
    let State::Ready(_) = connection.state else { return None };
    let idle = State::Lingering { left: 0 };
    let State::Ready(incoming) = std::mem::replace(&mut connection.state, idle) else {
        return None;
    };
    let Incoming { head, body, cut, .. } = *incoming;
    let mut headers = head.headers;
    if head.framing == Framing::Chunked {
        // The body is decoded: for the handler it has a length like any other.
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("transfer-encoding"));
        headers.push(("Content-Length".to_owned(), body.len().to_string()));
    }
    let asked = Asked {
        head_only: head.method == "HEAD",
        http_1_1: head.http_1_1,
        keep_alive: head.keep_alive && !cut,
        is_last: !head.keep_alive && !cut,
        gzip: headers
            .iter()
            .any(|(n, v)| n.eq_ignore_ascii_case("accept-encoding") && gzip::is_accepted(v)),
    };
    let request =
        Request::fake_http_from(connection.remote, head.method, head.target, headers, body);
    Some((request, asked))
}

/// Begins to send an answer; `None`: the handler failed.
fn answer(
    connection: &mut Connection,
    response: Option<Response>,
    mut asked: Asked,
    shared: &Shared,
    scratch: &mut Scratch,
) {
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
        false if asked.is_last && !connection.has_input() => Then::Close,
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
