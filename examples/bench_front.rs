//! Servers to measure the front with: `bench_front front|rouille ADDRESS [WORKERS]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use contactd::front::{Limits, Server, Service};
use rouille::{Request, Response};
use std::sync::Arc;

struct Program;

impl Service for Program {
    fn body_limit(&self, _method: &str, target: &str) -> u64 {
        if target == "/echo" { 10 << 20 } else { 0 }
    }
    fn respond(&self, request: &Request) -> Response {
        answer(request)
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
            std::io::Read::read_to_end(&mut request.data().unwrap(), &mut body).unwrap();
            Response::text(body.len().to_string())
        }
        _ => Response::empty_404(),
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let (kind, address) = (args.next().unwrap(), args.next().unwrap());
    let workers = args.next().map_or(32, |n| n.parse().unwrap());
    match kind.as_str() {
        "front" => {
            let limits = Limits { workers, ..Limits::default() };
            Server::bind(address.as_str(), limits, Arc::new(Program)).unwrap().run();
        }
        _ => rouille::Server::new(address, answer).unwrap().pool_size(workers).run(),
    }
}
