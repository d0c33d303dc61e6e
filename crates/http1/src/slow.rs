//! The connections for whose clients a thread waits: one of them is ended when no thread is left
//! for others.

use crate::connection::Connection;
use crate::panics::lock;
use std::collections::HashMap;
use std::net::{IpAddr, Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// All of them, the newest last.
#[derive(Default)]
pub struct Slow {
    waits: Mutex<Vec<Wait>>,
}

struct Wait {
    address: IpAddr,
    stream: Arc<TcpStream>,
    /// What ends the wait.
    side: Shutdown,
    was_ended: Arc<AtomicBool>,
}

/// A wait that is under way. It is over when this is dropped.
pub struct Waiting<'a> {
    slow: &'a Slow,
    was_ended: Arc<AtomicBool>,
}

impl Slow {
    /// From now on a thread waits for this client to send (`Shutdown::Read`) or to take
    /// (`Shutdown::Both`) something.
    pub fn enter(&self, connection: &Connection, side: Shutdown) -> Waiting<'_> {
        let was_ended = Arc::new(AtomicBool::new(false));
        let wait = Wait {
            address: connection.place.address,
            stream: Arc::clone(&connection.stream),
            side,
            was_ended: Arc::clone(&was_ended),
        };
        lock(&self.waits).push(wait);
        Waiting { slow: self, was_ended }
    }

    /// Ends the newest wait of the address that has most, if it has two more than the newcomer's:
    /// its thread then is free at once.
    pub fn end_one(&self, newcomer: IpAddr) -> bool {
        let mut waits = lock(&self.waits);
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        for wait in waits.iter() {
            *counts.entry(wait.address).or_default() += 1;
        }
        let own = counts.get(&newcomer).copied().unwrap_or(0);
        let Some((address, count)) = counts.into_iter().max_by_key(|(_, count)| *count) else {
            return false;
        };
        let newest = waits.iter().rposition(|wait| wait.address == address);
        let Some(newest) = newest.filter(|_| count > own + 1) else { return false };
        let wait = waits.remove(newest);
        wait.was_ended.store(true, Ordering::Relaxed);
        // A failure means that the client has ended it already.
        let _ = wait.stream.shutdown(wait.side);
        true
    }
}

impl Waiting<'_> {
    /// It was ended by [`Slow::end_one`].
    pub fn was_ended(&self) -> bool {
        self.was_ended.load(Ordering::Relaxed)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(&self.slow.waits).retain(|wait| !Arc::ptr_eq(&wait.was_ended, &self.was_ended));
    }
}
