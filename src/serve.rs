//! `contactd serve`: migrations, the worker, the listeners, and a graceful end.

use crate::context::App;
use crate::error::{Error, Result};
use crate::front::{Limits, Prepared, Server, Service, Stopper};
use crate::{app, db, metrics, worker};
use rouille::{Request, Response};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long the end of the process waits for a mail that is being sent. The mail is not lost: its
/// next try is written down already.
const MAIL_WAIT: Duration = Duration::from_secs(5);
/// Connections and threads of the listener for metrics.
const METRICS_CONNECTIONS: usize = 16;

/// The program as the front sees it.
struct Contacts(Arc<App>);

impl Service for Contacts {
    fn body_limit(&self, method: &str, target: &str) -> u64 {
        app::body_limit(method, target)
    }

    fn respond(&self, request: &Request) -> Response {
        app::respond(&self.0, request)
    }

    fn prepare(&self, requests: &[Request]) -> Vec<Prepared> {
        let one = |(begun, request): (app::Begun, &Request)| {
            if begun.is_quick() {
                return Prepared::Answer(begun.answer(&self.0, request));
            }
            let app = Arc::clone(&self.0);
            Prepared::Job(Box::new(move |request| begun.answer(&app, request)))
        };
        app::begin(&self.0, requests).into_iter().zip(requests).map(one).collect()
    }

    fn refuse(&self, status: u16, detail: &'static str) -> Response {
        app::refuse(status, detail)
    }

    fn set_connections(&self, open: usize) {
        self.0.counters.set_connections(open as u64);
    }
}

/// `/metrics` as the front sees it.
struct Metrics(Arc<App>);

impl Service for Metrics {
    fn body_limit(&self, _: &str, _: &str) -> u64 {
        0
    }

    fn respond(&self, request: &Request) -> Response {
        metrics::respond(&self.0, request)
    }

    fn refuse(&self, status: u16, detail: &'static str) -> Response {
        app::refuse(status, detail)
    }
}

fn bind(name: &str, address: SocketAddr, limits: Limits, service: impl Service) -> Result<Server> {
    Server::bind(address, limits, Arc::new(service))
        .map_err(|error| Error::internal(format!("{name} {address}: {error}")))
}

/// Serves until SIGTERM or SIGINT, then finishes what is under way; a second signal stops at once.
pub fn serve(app: App) -> Result<()> {
    let applied = app.db.write(db::migrations::migrate)?;
    if applied > 0 {
        log::info!("{applied} migrations applied");
    }
    let app = Arc::new(app);
    // Before the listener, which takes every thread that it may have.
    let stop_mailing = Arc::new(AtomicBool::new(false));
    let mailing = {
        let (app, stop) = (Arc::clone(&app), Arc::clone(&stop_mailing));
        thread::spawn(move || worker::run(&app, &stop))
    };
    let limits = Limits { max_connections: app.config.max_connections, ..Limits::default() };
    let server = bind("LISTEN_ADDR", app.config.listen_addr, limits, Contacts(Arc::clone(&app)))?;
    let metrics = app.config.metrics_addr.map(|address| {
        let limits =
            Limits { max_connections: METRICS_CONNECTIONS, workers: 1, ..Limits::default() };
        bind("METRICS_ADDR", address, limits, Metrics(Arc::clone(&app)))
    });
    let metrics = metrics.transpose()?;

    stop_on_signals(Arc::clone(&app), server.stopper())?;
    log::info!("contactd {} on http://{}", env!("CARGO_PKG_VERSION"), server.local_addr());
    // Metrics are there until the very end: they end with the process.
    if let Some(metrics) = metrics {
        log::info!("metrics at http://{}/metrics", metrics.local_addr());
        thread::spawn(move || metrics.run());
    }
    let answered = server.run();

    stop_mailing.store(true, Ordering::Relaxed);
    app.ring_mail_bell();
    let asked = Instant::now();
    while !mailing.is_finished() && asked.elapsed() < MAIL_WAIT {
        thread::sleep(Duration::from_millis(10));
    }
    if !answered {
        return Err(Error::internal("stopped before every request was answered"));
    }
    log::info!("stopped");
    Ok(())
}

fn stop_on_signals(app: Arc<App>, stopper: Stopper) -> Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(Error::internal)?;
    thread::spawn(move || {
        for _ in signals.forever() {
            log::info!("stopping");
            app.drain();
            stopper.stop();
        }
    });
    Ok(())
}
