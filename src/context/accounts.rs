//! Changes of an account: under its row's lock, and with the cache's fence raised before the change.

use super::app::App;
use crate::cache::{Load, Loaded};
use crate::db::{Conn, Tx};
use crate::error::{Error, Result};
use crate::repository::contacts::books;
use crate::repository::endings::{self, Kept};
use crate::repository::outbox;
use crate::repository::users::{self, Credentials};
use std::sync::atomic::Ordering;

impl App {
    /// Changes what the cache holds of an account (itself, its sessions), in one transaction.
    /// `work` gets the account as it is, locked.
    pub fn change_user<T>(
        &self,
        id: i64,
        work: impl FnOnce(&mut Tx, Credentials) -> Result<T>,
    ) -> Result<T> {
        self.cache.write(&[id], |fence| {
            self.db.transaction(|tx| {
                let user = users::lock(tx, id)?.ok_or(Error::Unauthenticated)?;
                fence.raise(&[id])?;
                work(tx, user)
            })
        })
    }

    /// Like [`App::change_user`] under the lock of all active admins, whose ids `work` gets too:
    /// for whatever may take an admin away. The admins are locked first, so that two admins who
    /// change each other wait for each other in one order.
    pub fn change_user_among_admins<T>(
        &self,
        id: i64,
        work: impl FnOnce(&mut Tx, Credentials, &[i64]) -> Result<T>,
    ) -> Result<T> {
        self.cache.write(&[id], |fence| {
            self.db.transaction(|tx| {
                let admins = users::lock_active_admins(tx)?;
                let user = users::lock(tx, id)?.ok_or(Error::NotFound)?;
                fence.raise(&[id])?;
                work(tx, user, &admins)
            })
        })
    }

    /// Deletes an account if `check` has nothing against it; like
    /// [`App::change_user_among_admins`]. With the commit the account is gone; its
    /// contacts follow in batches, now or by the worker.
    pub fn delete_user(
        &self,
        id: i64,
        check: impl FnOnce(&mut Tx, Credentials, &[i64]) -> Result<()>,
    ) -> Result<()> {
        self.change_user_among_admins(id, |tx, user, admins| {
            check(tx, user, admins)?;
            endings::end(tx, id, Kept::default(), self.now())?;
            outbox::forget(tx, id)?;
            users::end(tx, id, self.now()).map(|_| ())
        })?;
        // A request waits for no more than a batch, and the worker does the rest.
        let begin = |db: &mut Conn| {
            books::close(db, id)?;
            books::empty(db, id)
        };
        let finished = self.db.write(begin).and_then(|gone| {
            let is_small = gone < books::BATCH;
            if is_small { self.finish_deletion(id).map(|()| true) } else { Ok(false) }
        });
        if let Err(error) = &finished {
            log::warn!("deletion of account {id} goes on later: {error}");
        }
        if !matches!(finished, Ok(true)) {
            self.deletion_waits.store(true, Ordering::Relaxed);
            self.work_waits.notify();
        }
        Ok(())
    }

    /// Deletes what is left of an account that ended: its book, what was in it, in batches, so that no
    /// statement takes long, and then its row.
    pub fn finish_deletion(&self, id: i64) -> Result<()> {
        self.db.write(|db| books::close(db, id))?;
        while self.db.write(|db| books::empty(db, id))? > 0 {}
        self.db.write(|db| users::delete(db, id)).map(|_| ())
    }

    /// The current user for the cache: the account with its live sessions, and whether it was
    /// free of changes when the look-up began.
    pub fn load_user(&self, id: i64, purpose: Load) -> Result<Loaded> {
        self.db.read(|db| {
            let settled = purpose == Load::ToAnswer || users::is_settled(db, id)?;
            let (now, life) = (self.now(), self.config.session);
            Ok(Loaded { user: users::find_current(db, id, now, now - life)?, settled })
        })
    }
}
