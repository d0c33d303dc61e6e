//! Probes for people, load balancers and orchestrators.

use crate::context::Call;
use crate::db::Conn;
use crate::error::Result;
use crate::http::Reply;
use serde_json::json;

/// `GET /api/healthchecker`
pub fn healthchecker(call: &Call) -> Result<Reply> {
    call.app.db.read(Conn::ping)?;
    Ok(Reply::json(&json!({ "message": "contactd is up and its database answers." })))
}

/// `GET /healthz`: the process lives. Asks neither store.
pub fn healthz(_: &Call) -> Result<Reply> {
    Ok(Reply::json(&json!({ "status": "ok" })))
}

/// `GET /readyz`: whether requests should come here. Redis may be down: we do without.
pub fn readyz(call: &Call) -> Result<Reply> {
    let postgres = call.app.db.read(Conn::ping);
    let state = json!({
        "postgres": if postgres.is_ok() { "ok" } else { "down" },
        "redis": call.app.cache.status(),
    });
    if postgres.is_err() || call.app.is_draining() {
        return Ok(Reply::not_ready(&state));
    }
    Ok(Reply::json(&state))
}
