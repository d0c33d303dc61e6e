//! `/metrics`: what the process does, in the text format of Prometheus 0.0.4. Served on
//! `METRICS_ADDR` only. Labels are routes, methods and states, never anything of a user.

use crate::context::App;
use crate::counters::{BUCKETS, CLIENTS, RouteCounters};
use crate::http::{self, Reply};
use crate::logger;
use crate::repository::outbox;
use crate::routes::ROUTES;
use rouille::{Request, Response};
use std::fmt::{Display, Write};

/// Answers one request to `METRICS_ADDR`: `GET /metrics`, and 404 for anything else.
pub fn respond(app: &App, request: &Request) -> Response {
    let asked = matches!(request.method(), "GET" | "HEAD") && request.url() == "/metrics";
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    match asked {
        true => Reply::bytes(content_type, render(app)).into(),
        false => http::refusal(404, "There is only /metrics here.", "-"),
    }
}

/// All metrics.
pub fn render(app: &App) -> String {
    let mut page = Page(String::new());
    requests(app, &mut page);
    clients(app, &mut page);
    let (open, idle) = app.db.connections();
    page.family("contactd_db_connections", "gauge", "Connections to Postgres.");
    page.line("contactd_db_connections", "state=\"busy\"", open.saturating_sub(idle));
    page.line("contactd_db_connections", "state=\"idle\"", idle);
    page.one(
        "contactd_db_connections_max",
        "Most connections to Postgres (DB_POOL_SIZE).",
        app.config.db_pool_size,
    );
    let queue = app.db.read(outbox::queue);
    page.one("contactd_postgres_up", "1 if Postgres answers.", u8::from(queue.is_ok()));
    if let Ok((waiting, _)) = queue {
        page.one("contactd_mail_queue", "Mails that wait to be sent, of all replicas.", waiting);
    }
    let open = app.counters.connections();
    page.one("contactd_open_connections", "Open connections of clients.", open);
    let lost = "Log lines that nothing read in time, or that could not be written.";
    page.family("contactd_log_lines_lost_total", "counter", lost);
    let _ = writeln!(page.0, "contactd_log_lines_lost_total {}", logger::lost());
    let draining = u8::from(app.is_draining());
    page.one("contactd_draining", "1 while the process finishes what is under way.", draining);
    let started = app.started.timestamp_millis() as f64 / 1_000.0;
    page.one("process_start_time_seconds", "When the process began, in Unix time.", started);
    page.family("contactd_build_info", "gauge", "The version that runs.");
    page.line("contactd_build_info", concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1);
    page.0
}

fn requests(app: &App, page: &mut Page) {
    const REQUESTS: &str = "contactd_requests_total";
    const DURATION: &str = "contactd_request_duration_seconds";
    let routes = ROUTES.iter().enumerate();
    let known = routes.map(|(at, route)| (Some(at), route.verb, route.path));
    let counted: Vec<(&RouteCounters, String)> = known
        .chain([(None, "-", "-")])
        .map(|(at, verb, path)| {
            (app.counters.of(at), format!("route=\"{path}\",method=\"{verb}\""))
        })
        .filter(|(counters, _)| counters.classes().iter().any(|count| *count > 0))
        .collect();
    page.family(REQUESTS, "counter", "Requests answered, by route and class of the status.");
    for (counters, labels) in &counted {
        for (class, count) in (1..).zip(counters.classes()) {
            if count > 0 {
                page.line(REQUESTS, &format!("{labels},status=\"{class}xx\""), count);
            }
        }
    }
    page.family(DURATION, "histogram", "How long requests took, their network time left out.");
    for (counters, labels) in &counted {
        let mut sum = 0;
        for (end, count) in BUCKETS.iter().zip(counters.buckets()) {
            sum += count;
            let end = if end.is_finite() { end.to_string() } else { "+Inf".to_owned() };
            page.line(&format!("{DURATION}_bucket"), &format!("{labels},le=\"{end}\""), sum);
        }
        page.line(&format!("{DURATION}_sum"), labels, counters.seconds());
        page.line(&format!("{DURATION}_count"), labels, sum);
    }
}

/// Requests under `/dav/`: their methods are in the family of all requests.
fn clients(app: &App, page: &mut Page) {
    const CLIENT: &str = "contactd_dav_requests_total";
    let counts = app.counters.clients();
    page.family(CLIENT, "counter", "Requests of CardDAV clients, by kind of program.");
    let mut kinds: Vec<&str> = CLIENTS.iter().map(|(_, kind)| *kind).collect();
    kinds.dedup();
    for kind in kinds {
        let of_kind = CLIENTS.iter().zip(counts).filter(|((_, known), _)| *known == kind);
        let count: u64 = of_kind.map(|(_, count)| count).sum();
        if count > 0 {
            page.line(CLIENT, &format!("client=\"{kind}\""), count);
        }
    }
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String never fails.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}{{{labels}}} {value}");
    }

    fn one(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        let _ = writeln!(self.0, "{name} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_counters_of_its_own() {
        assert!(ROUTES.len() <= crate::counters::ROUTES_MAX);
    }
}
