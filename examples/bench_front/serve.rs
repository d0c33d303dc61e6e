//! The servers that are measured.

use contactd::front::{Limits, Prepared, Server, Service, Stopper};
use rouille::{Request, Response};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

struct Program;

impl Service for Program {
    fn body_limit(&self, _method: &str, target: &str) -> u64 {
        if target == "/echo" { 10 << 20 } else { 0 }
    }

    fn respond(&self, request: &Request) -> Response {
        answer(request)
    }

    fn prepare(&self, requests: &[Request]) -> Vec<Prepared> {
        requests.iter().map(|request| Prepared::Answer(answer(request))).collect()
    }

    fn refuse(&self, status: u16, detail: &'static str) -> Response {
        Response::text(detail).with_status_code(status)
    }
}

fn answer(request: &Request) -> Response {
    match request.raw_url() {
        "/healthz" => Response::text("ok"),
        "/large" => Response::from_data("application/octet-stream", vec![b'x'; 900_000]),
        "/echo" => {
            let mut body = Vec::new();
            request.data().unwrap().read_to_end(&mut body).unwrap();
            Response::text(body.len().to_string())
        }
        _ => Response::empty_404(),
    }
}

/// Serves until SIGTERM.
pub fn run(kind: &str, address: &str, workers: usize) {
    if kind == "rouille" {
        return rouille::Server::new(address, answer).unwrap().pool_size(workers).run();
    }
    let limits = Limits { workers, ..Limits::default() };
    // Before the server, which takes all threads that it can get.
    let (send, stopper) = std::sync::mpsc::channel::<Stopper>();
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT]).unwrap();
    std::thread::spawn(move || {
        let stopper = stopper.recv().unwrap();
        signals.forever().for_each(|_| stopper.stop());
    });
    let server = Server::bind(address, limits, Arc::new(Program)).unwrap();
    send.send(server.stopper()).unwrap();
    // A program that has taken all descriptors but a few.
    let mut hogged = Vec::new();
    if kind == "hog" {
        while let Ok(file) = File::open("/dev/null") {
            hogged.push(file);
        }
        hogged.truncate(hogged.len() - 6);
    }
    std::process::exit(if server.run() { 0 } else { 1 });
}
