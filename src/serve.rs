//! `contactd serve`: migrations, the worker, the listeners, and a graceful end.

use crate::batch::Contactd;
use crate::context::{App, SMALL_BODY};
use crate::error::{Error, Result};
use crate::service::upkeep;
use crate::{app, db, metrics, worker};
use http1::{Admission, Client, Limits, LineLimits, Look, Refusal, Server, Service, Stopper};
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

/// `/metrics` as [`http1`] sees it.
struct Metrics(Arc<App>);

impl Service for Metrics {
    type InFlight = Request;

    fn body_limit(&self, _: &str, _: &str) -> u64 {
        0
    }

    fn begin(&self, request: Request) -> Request {
        request
    }

    fn decide(&self, request: Request) -> Look {
        let (app, client) = (Arc::clone(&self.0), Client::at(request.remote_addr().ip()));
        let work = Box::new(move |_| Look::Answer(metrics::respond(&app, &request)));
        Look::Work(Admission { line: 0, client, most: 1, is_accepted: true }, work)
    }

    fn refuse(&self, refusal: Refusal, _: Option<&str>) -> Response {
        app::refuse(&self.0, refusal, None)
    }
}

/// The lines in which requests wait, in the order of `Waits::line`. Two connections to Postgres are
/// left for what comes beside its line: probes, sign-ins and the mail worker.
fn lines(db_pool_size: u32) -> Vec<LineLimits> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let postgres = (db_pool_size as usize).saturating_sub(2).max(1);
    vec![
        LineLimits { at_once: postgres, ..LineLimits::default() },
        LineLimits { at_once: cores, places: 8, ..LineLimits::default() },
        LineLimits { at_once: 16, places: 256, ..LineLimits::default() },
    ]
}

fn bind(name: &str, address: SocketAddr, limits: Limits, service: impl Service) -> Result<Server> {
    Server::bind(address, limits, Arc::new(service))
        .map_err(|error| Error::internal(format!("{name} {address}: {error}")))
}

/// The listener for clients; [`Server::run`] serves them.
pub fn listen(app: &Arc<App>, address: SocketAddr) -> Result<Server> {
    let lines = lines(app.config.db_pool_size);
    let limits = Limits {
        max_connections: app.config.max_connections,
        small_body_bytes: SMALL_BODY,
        lines,
        ..Limits::default()
    };
    bind("LISTEN_ADDR", address, limits, Contactd(Arc::clone(app)))
}

/// Serves until SIGTERM or SIGINT, then finishes what is under way; a second signal stops at once.
pub fn serve(app: App) -> Result<()> {
    let applied = app.db.write(db::migrations::migrate)?;
    if applied > 0 {
        log::info!("{applied} migrations applied");
    }
    let app = Arc::new(app);
    // Before the listener, whose threads may be the last that are to be had.
    let stop_mailing = Arc::new(AtomicBool::new(false));
    let mailing = {
        let (app, stop) = (Arc::clone(&app), Arc::clone(&stop_mailing));
        thread::spawn(move || worker::run(&app, &stop))
    };
    let reindexing = {
        let (app, stop) = (Arc::clone(&app), Arc::clone(&stop_mailing));
        thread::spawn(move || match upkeep::reindex(&app, false, &stop) {
            Ok(0) => {}
            Ok(done) => log::info!("{done} contacts: what is made from their cards was made anew"),
            Err(error) => log::warn!("reindex: {error}; the next start goes on"),
        })
    };
    let server = listen(&app, app.config.listen_addr)?;
    let metrics = app.config.metrics_addr.map(|address| {
        let limits =
            Limits { max_connections: METRICS_CONNECTIONS, threads: 2, ..Limits::default() };
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
    app.work_waits.notify();
    let asked = Instant::now();
    while !(mailing.is_finished() && reindexing.is_finished()) && asked.elapsed() < MAIL_WAIT {
        thread::sleep(Duration::from_millis(10));
    }
    if !answered {
        return Err(Error::internal("stopped before every request was answered"));
    }
    log::info!("stopped");
    log::logger().flush();
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
