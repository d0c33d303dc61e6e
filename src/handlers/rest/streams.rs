//! Bodies that are made while they are sent, in constant memory.

use crate::context::Call;
use crate::db::Pool;
use crate::error::{Error, Result};
use crate::model::contact::Stored;
use crate::owner_slots::Slot;
use crate::repository::contacts::rows::{self, Part};
use rouille::ResponseBody;
use serde::Serialize;
use std::io::{self, Read};

/// Where a piece should end, if what makes it can stop there: a client that reads slowly holds it in memory, and one
/// contact may have 4 MiB. Nothing here enforces it.
pub const PIECE_MAX: usize = 256 << 10;

/// A body that is made piece by piece. An error breaks the transfer off: the client must not take
/// half a file for a whole one.
pub struct Pieces<F> {
    /// Appends the next piece; false after the last one.
    next: F,
    piece: String,
    sent: usize,
    state: State,
    request_id: String,
    /// Held while there is more to come: the rest is read from Postgres after the request has left its line in
    /// http1, so that only this bounds how many do.
    slot: Option<Slot>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    More,
    Ended,
    Broken,
}

impl<F: FnMut(&mut String) -> Result<bool>> Pieces<F> {
    /// Makes the first piece at once, so that an early error becomes an answer of its own: `head`, and then what
    /// `next` appends (twice, if the first left room); it returns whether there may be more. If there may, one of
    /// the owner's slots is taken; [`Error::Unavailable`] when none comes free in time.
    pub fn begin(call: &Call, owner: i64, head: impl Into<String>, next: F) -> Result<Pieces<F>> {
        let (request_id, piece) = (call.request_id.clone(), head.into());
        let (sent, state, slot) = (0, State::More, None);
        let mut pieces = Pieces { next, piece, sent, state, request_id, slot };
        pieces.append()?;
        // Many a list learns by looking once more that it has ended.
        if pieces.state == State::More && pieces.piece.len() < PIECE_MAX {
            pieces.append()?;
        }
        if pieces.state == State::More {
            pieces.slot = Some(call.app.stream_slot(owner)?);
        }
        Ok(pieces)
    }

    /// What the answer to a request is made of: what has ended already goes out whole, the rest is streamed.
    pub fn into_body(self) -> ResponseBody
    where
        F: Send + 'static,
    {
        match self.state {
            State::Ended => ResponseBody::from_data(self.piece),
            _ => ResponseBody::from_reader(self),
        }
    }

    fn append(&mut self) -> Result<()> {
        if !(self.next)(&mut self.piece)? {
            self.state = State::Ended;
            self.slot = None;
        }
        Ok(())
    }
}

impl<F: FnMut(&mut String) -> Result<bool>> Read for Pieces<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.sent == self.piece.len() && self.state == State::More {
            self.piece.clear();
            self.sent = 0;
            if let Err(error) = self.append() {
                self.state = State::Broken;
                self.slot = None;
                log::error!("a download broke off: {error} request_id={}", self.request_id);
            }
        }
        if self.state == State::Broken {
            return Err(io::Error::other("the rest could not be made"));
        }
        let count = self.piece.as_bytes().get(self.sent..).unwrap_or_default().read(into)?;
        self.sent += count;
        Ok(count)
    }
}

/// The contacts of one part of a book, page by page. Between pages no connection is held: a client that
/// reads slowly costs no other one its place in the pool. A contact that belongs to the part all the
/// while comes exactly once, because ids never change; one that changes meanwhile comes in the old or
/// in the new state.
pub struct Pages {
    db: Pool,
    owner: i64,
    part: Part,
    after: i64,
}

impl Pages {
    /// The contacts of `owner` that belong to `part`.
    pub fn new(db: &Pool, owner: i64, part: Part) -> Pages {
        Pages { db: db.clone(), owner, part, after: 0 }
    }

    /// The next contacts; an empty list at the end, and ever after.
    pub fn fetch(&mut self) -> Result<Vec<Stored>> {
        let page = self.db.read(|db| rows::page(db, self.owner, &self.part, self.after))?;
        self.after = page.last().map_or(i64::MAX, |stored| stored.contact.id);
        Ok(page)
    }
}

/// A JSON array behind its opening bracket, one element a line.
#[derive(Default)]
pub struct JsonList {
    filled: bool,
}

impl JsonList {
    /// What stands before an element.
    pub fn separate(&mut self, out: &mut String) {
        out.push_str(if self.filled { ",\n" } else { "\n" });
        self.filled = true;
    }

    /// An element.
    pub fn add(&mut self, out: &mut String, element: &impl Serialize) -> Result<()> {
        self.separate(out);
        out.push_str(&serde_json::to_string(element).map_err(Error::internal)?);
        Ok(())
    }

    /// The closing bracket. Ready for another list.
    pub fn end(&mut self, out: &mut String) {
        out.push_str(if self.filled { "\n]" } else { "]" });
        *self = JsonList::default();
    }
}
