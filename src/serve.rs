//! `contactd serve`: migrations, the worker, the listener, and a graceful end.

use crate::context::App;
use crate::error::{Error, Result};
use crate::front::{Limits, Server, Service};
use crate::{app, db, worker};
use rouille::{Request, Response};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long the end of the process waits for a mail that is being sent. The mail is not lost: its
/// next try is written down already.
const MAIL_WAIT: Duration = Duration::from_secs(5);

/// The program as the front sees it.
struct Contacts(Arc<App>);

impl Service for Contacts {
    fn body_limit(&self, method: &str, target: &str) -> u64 {
        app::body_limit(method, target)
    }

    fn respond(&self, request: &Request) -> Response {
        app::respond(&self.0, request)
    }

    fn refuse(&self, status: u16, detail: &'static str) -> Response {
        app::refuse(status, detail)
    }
}

/// Serves until SIGTERM or SIGINT, then finishes what is under way; a second signal stops at once.
pub fn serve(app: App) -> Result<()> {
    let applied = app.db.write(db::migrate)?;
    if applied > 0 {
        log::info!("{applied} migrations applied");
    }
    let app = Arc::new(app);
    let limits = Limits { max_connections: app.config.max_connections, ..Limits::default() };
    let address = app.config.listen_addr;
    let server = Server::bind(address, limits, Arc::new(Contacts(Arc::clone(&app))))
        .map_err(|error| Error::internal(format!("LISTEN_ADDR {address}: {error}")))?;
    let listening = server.local_addr();

    let stop_mailing = Arc::new(AtomicBool::new(false));
    let mailing = {
        let (app, stop) = (Arc::clone(&app), Arc::clone(&stop_mailing));
        thread::spawn(move || worker::run(&app, &stop))
    };
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(Error::internal)?;
    let stopper = server.stopper();
    let draining = Arc::clone(&app);
    thread::spawn(move || {
        for _ in signals.forever() {
            log::info!("stopping");
            draining.drain();
            stopper.stop();
        }
    });
    log::info!("contactd {} on http://{listening}", env!("CARGO_PKG_VERSION"));
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
