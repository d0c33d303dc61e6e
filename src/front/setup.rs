//! What is done once, at the start: the address, the descriptors, the threads.

use super::shared::Shared;
use super::worker;
use mio::net::TcpListener;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::thread::JoinHandle;

/// The first of the addresses that can be bound.
pub fn bind_any(addresses: impl ToSocketAddrs) -> io::Result<TcpListener> {
    let mut last = io::Error::new(ErrorKind::AddrNotAvailable, "the name has no address");
    for address in addresses.to_socket_addrs()? {
        match bind_one(address) {
            Ok(listener) => return Ok(listener),
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// Connections that may wait in the kernel to be accepted. mio's own `bind` has 128: when no
/// descriptor is left, the next client would not even be able to wait.
const BACKLOG: i32 = 1024;

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    // A restarted server takes its address while old connections still end.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// Raises the soft limit of descriptors, and returns how many connections there may be, and how
/// many more for those that are turned away with an answer.
pub fn places(wanted: usize) -> (usize, usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        log::warn!("front: the limit of descriptors cannot be raised");
    }
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    // What the program behind needs: its pool of database connections, files, the standard streams.
    let kept = (descriptors / 4).clamp(32, 256);
    let usable = descriptors.saturating_sub(kept).max(2).min(wanted.saturating_add(64));
    let spare = (usable / 8).clamp(1, 64);
    let most = wanted.clamp(1, usable - spare);
    if most < wanted {
        log::warn!("front: {descriptors} descriptors are enough for {most} connections only");
    }
    (most, spare)
}

/// Without this an allocator may ask for pages of 2 MB (mimalloc does), and a few dozen threads with a
/// little each held 170 MB under load instead of 40.
fn small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true); // a kernel without them is fine
}

/// Starts the threads; fewer if no more are to be had.
///
/// # Errors
/// Not a single one could be started.
pub fn start_workers(shared: &Arc<Shared>) -> io::Result<Vec<JoinHandle<()>>> {
    small_pages();
    let mut workers = Vec::new();
    for number in 0..shared.limits.workers.max(1) {
        let mine = Arc::clone(shared);
        let name = format!("worker-{number}");
        match std::thread::Builder::new().name(name).spawn(move || worker::run(&mine)) {
            Ok(handle) => workers.push(handle),
            Err(e) if workers.is_empty() => return Err(e),
            Err(e) => {
                log::warn!("front: only {number} workers could be started: {e}");
                break;
            }
        }
    }
    shared.queue.workers_started(workers.len());
    Ok(workers)
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn descriptors_are_left_for_the_program_behind() {
        assert_eq!(places(10), (10, 9));
        let (most, spare) = places(usize::MAX);
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let limit = limit.map_or(usize::MAX, |it| usize::try_from(it).unwrap());
        assert_eq!(limit - most - spare, (limit / 4).clamp(32, 256));
    }
}
