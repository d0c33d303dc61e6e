//! The servers that are measured.

use http1::{Admission, Client, Limits, Look, Refusal, Server, Service, Stopper};
use rouille::{Request, Response};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::fs::File;
use std::sync::Arc;

struct Program;

impl Service for Program {
    type InFlight = Request;

    fn body_limit(&self, _method: &str, target: &str) -> u64 {
        if target == "/echo" { 10 << 20 } else { 0 }
    }

    fn begin(&self, request: Request) -> Request {
        request
    }

    fn decide(&self, request: Request) -> Look {
        match request.raw_url() {
            "/echo" => {
                let client = Client::at(request.remote_addr().ip());
                let work = Box::new(|body: Option<Vec<u8>>| {
                    let length = body.unwrap_or_default().len();
                    Look::Answer(Response::text(length.to_string()))
                });
                Look::Work(Admission { line: 0, client, most: usize::MAX, is_accepted: true }, work)
            }
            _ => Look::Answer(answer(&request)),
        }
    }

    fn refuse(&self, refusal: Refusal, _origin: Option<&str>) -> Response {
        Response::text(refusal.detail).with_status_code(refusal.status)
    }
}

fn answer(request: &Request) -> Response {
    match request.raw_url() {
        "/healthz" => Response::text("ok"),
        "/large" => Response::from_data("application/octet-stream", vec![b'x'; 900_000]),
        _ => Response::empty_404(),
    }
}

/// Serves until SIGTERM.
pub fn run(kind: &str, address: &str, workers: usize) {
    if kind == "rouille" {
        return rouille::Server::new(address, answer).unwrap().pool_size(workers).run();
    }
    // Before the server, whose threads may be the last that are to be had.
    let (send, stopper) = std::sync::mpsc::channel::<Stopper>();
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT]).unwrap();
    std::thread::spawn(move || {
        let stopper = stopper.recv().unwrap();
        signals.forever().for_each(|_| stopper.stop());
    });
    let server = Server::bind(address, Limits::default(), Arc::new(Program)).unwrap();
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
