//! What every request has from the start: its ids and the address of its client.

use super::app::App;
use super::call::Call;
use crate::crypto;
use ipnet::IpNet;
use rouille::Request;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

impl Call {
    /// A request that has just come, without its body and before its route is known.
    pub fn new(app: &Arc<App>, request: Request) -> Call {
        let request_id = request_id(&request);
        Call {
            now: app.now(),
            ip: client_address(&request, &app.config.trusted_proxies),
            own_id: own_id(&request, &request_id),
            request_id,
            params: Vec::new(),
            body_max: 0,
            received: Vec::new(),
            app: Arc::clone(app),
            request,
        }
    }
}

/// The request's own id if it has a decent one, else a new one.
fn request_id(request: &Request) -> String {
    let decent = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    let own = request.header("X-Request-Id").filter(decent);
    own.map_or_else(new_request_id, str::to_owned)
}

/// The request's id unless the client chose that.
fn own_id(request: &Request, request_id: &str) -> String {
    match request.header("X-Request-Id") {
        Some(chosen) if chosen == request_id => new_request_id(),
        _ => request_id.to_owned(),
    }
}

/// An id for a request that brings none.
pub fn new_request_id() -> String {
    // Without random bytes the request still has to be answered.
    crypto::random_uuid().unwrap_or_else(|_| "no-random-bytes".to_owned())
}

/// The client's address. Of the addresses in `X-Forwarded-For` the last one counts that no
/// trusted proxy has: what stands before it, the client itself may have written.
fn client_address(request: &Request, trusted: &[IpNet]) -> IpAddr {
    let peer = request.remote_addr().ip().to_canonical();
    let trusts = |ip: &IpAddr| trusted.iter().any(|network| network.contains(ip));
    if !trusts(&peer) {
        return peer;
    }
    let lines = request.headers().filter(|(name, _)| name.eq_ignore_ascii_case("X-Forwarded-For"));
    let listed: Vec<_> = lines.flat_map(|(_, line)| line.split(',')).collect();
    let mut address = peer;
    for entry in listed.into_iter().rev() {
        let entry = entry.trim();
        let parsed = entry.parse::<IpAddr>().or(entry.parse::<SocketAddr>().map(|a| a.ip()));
        let Ok(ip) = parsed else { break };
        address = ip.to_canonical();
        if !trusts(&address) {
            break;
        }
    }
    address
}
