//! A wire between the program and a store: it counts what goes over it, and can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// Passes connections on to a server.
pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// How often a client spoke to the server after the server had spoken, or first.
    round_trips: AtomicU64,
    /// Both ends of each connection; none once it is cut.
    open: Mutex<Option<Vec<TcpStream>>>,
}

impl Wire {
    /// To `host:port`.
    pub fn to(server: &str) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { open: Mutex::new(Some(vec![])), ..Shared::default() });
        let server = server.to_owned();
        let passing = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                pass_on(client, &server, &passing);
            }
        });
        Wire { address, shared }
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    pub fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(SeqCst)
    }

    /// Ends every connection, and takes no new one.
    pub fn cut(&self) {
        for stream in self.shared.open.lock().unwrap().take().into_iter().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass_on(client: TcpStream, server: &str, shared: &Arc<Shared>) {
    let Ok(server) = TcpStream::connect(server) else { return };
    let both = [&client, &server].map(|stream| stream.try_clone().unwrap());
    // Under one lock: a connection that is being made while the wire is cut ends too.
    let Some(open) = &mut *shared.open.lock().unwrap() else { return };
    open.extend(both);
    // True while the server had the last word.
    let answered = Arc::new(AtomicBool::new(true));
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (asked, counted) = (answered.clone(), shared.clone());
    std::thread::spawn(move || {
        copy(from, to, || {
            if asked.swap(false, SeqCst) {
                counted.round_trips.fetch_add(1, SeqCst);
            }
        });
    });
    std::thread::spawn(move || copy(server, client, || answered.store(true, SeqCst)));
}

fn copy(mut from: TcpStream, mut to: TcpStream, heard: impl Fn()) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        heard();
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
