//! `contactd serve`: migrations, the worker, the listener, and a graceful end.

use crate::context::App;
use crate::error::{Error, Result};
use crate::{app, db, worker};
use rouille::Server;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Threads that answer requests. They mostly wait for Postgres and Redis.
const WORKERS: usize = 16;

/// Serves until SIGTERM or SIGINT, then finishes what is under way.
pub fn serve(app: App) -> Result<()> {
    let applied = app.db.write(db::migrate)?;
    if applied > 0 {
        log::info!("{applied} migrations applied");
    }
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // The second signal finds the flag set and ends the process at once.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(Error::internal)?;
    }
    let app = Arc::new(app);
    let mailing = {
        let (app, stop) = (Arc::clone(&app), Arc::clone(&stop));
        thread::spawn(move || worker::run(&app, &stop))
    };
    let address = app.config.listen_addr;
    let answering = Arc::clone(&app);
    let server = Server::new(address, move |request| app::respond(&answering, request))
        .map_err(|error| Error::internal(format!("LISTEN_ADDR {address}: {error}")))?
        .pool_size(WORKERS);
    log::info!("contactd {} on http://{}", env!("CARGO_PKG_VERSION"), server.server_addr());
    while !stop.load(Ordering::Relaxed) {
        server.poll_timeout(Duration::from_millis(100));
    }
    log::info!("stopping");
    app.drain();
    server.join();
    app.ring_mail_bell();
    mailing.join().map_err(|_| Error::internal("the worker panicked"))?;
    log::info!("stopped");
    Ok(())
}
