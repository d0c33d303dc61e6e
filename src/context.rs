//! What a handler works with: [`App`], one per process, and [`Call`], one per request.

mod arrival;
mod conditions;
mod query;

use crate::cache::{Cache, Load, Loaded};
use crate::config::Config;
use crate::counters::Counters;
use crate::crypto;
use crate::crypto::{AccessTokens, Keys, Passwords};
use crate::db::{Conn, Pool, Tx};
use crate::error::{Error, Result};
use crate::mail::{Kind, Mailer, Transport};
use crate::model::alike::Group;
use crate::model::input::Members;
use crate::model::json;
use crate::model::user::User;
use crate::owner_slots::OwnerSlots;
use crate::remembered::Remembered;
use crate::repository::audit::{self, Action};
use crate::repository::contacts::books;
use crate::repository::endings::{self, Kept};
use crate::repository::mail_tokens::{self, Purpose};
use crate::repository::outbox::{self, NewMail};
use crate::repository::sessions;
use crate::repository::users::{self, Credentials};
use crate::under_way::UnderWay;
use crate::uses::Uses;
pub use arrival::new_request_id;
use chrono::{DateTime, SubsecRound, Utc};
pub use conditions::Conditions;
pub use query::Query;
use query::pairs;
use rouille::Request;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Most notices of one kind to an account in an hour.
const NOTICES: i64 = 3;

/// Tells the time. Tests bring one that stands still.
pub type Clock = Box<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Everything that lives as long as the process. Nothing in it is state of ours: replicas share
/// Postgres and Redis.
pub struct App {
    /// The settings.
    pub config: Config,
    /// Postgres.
    pub db: Pool,
    /// Redis.
    pub cache: Cache,
    /// The mail server, or the folder for mails.
    pub mailer: Mailer,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Signs and verifies access tokens.
    pub access_tokens: AccessTokens,
    /// The other keys that come from `SECRET_KEY`.
    pub keys: Keys,
    /// The logins that are under way, by name and client.
    pub logins: UnderWay,
    /// When app passwords were used, as far as it was written down.
    pub uses: Uses,
    /// When sessions of browsers were used, as far as it was written down.
    pub page_uses: Uses,
    /// Labels in use, with their numbers of contacts, as pages show them.
    pub labels: Remembered<Vec<(String, i64)>>,
    /// Contacts that are alike, as pages show them.
    pub alike: Remembered<Vec<Group>>,
    /// Counts requests.
    pub counters: Counters,
    /// When this value was made.
    pub started: DateTime<Utc>,
    clock: Clock,
    draining: AtomicBool,
    mail_bell: (Mutex<bool>, Condvar),
    book_slots: OwnerSlots,
    look_slots: OwnerSlots,
}

impl App {
    /// Puts the parts together. Opens no connection, so it succeeds while a store is down.
    pub fn new(config: Config, clock: Clock) -> Result<App> {
        let redis_url = config.redis_url.as_ref().map(|url| url.reveal());
        let keys = Keys::new(&config)?;
        let (prefix, secret) = (config.redis_prefix.clone(), keys.mac_key(crypto::Purpose::Cache)?);
        Ok(App {
            db: Pool::new(&config)?,
            cache: Cache::new(redis_url, prefix, secret, config.tls_ca.as_deref())?,
            mailer: mailer(&config)?,
            passwords: Passwords::new()?,
            access_tokens: AccessTokens::new(&config, &keys),
            keys,
            logins: UnderWay::default(),
            uses: Uses::new(chrono::Duration::minutes(1)),
            page_uses: Uses::new(chrono::Duration::days(1)),
            labels: Remembered::default(),
            alike: Remembered::default(),
            counters: Counters::default(),
            started: clock(),
            clock,
            draining: AtomicBool::new(false),
            mail_bell: (Mutex::new(false), Condvar::new()),
            book_slots: OwnerSlots::new(config.db_pool_size as usize / 4),
            look_slots: OwnerSlots::new(1),
            config,
        })
    }

    /// Now, in the microseconds that Postgres keeps: what is answered is what is stored.
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)().trunc_subsecs(6)
    }

    /// Changes an owner's address book in one transaction. Waits for a slot before it takes a
    /// connection, see [`OwnerSlots`].
    pub fn change_book<T>(&self, owner: i64, work: impl FnOnce(&mut Tx) -> Result<T>) -> Result<T> {
        let _slot = self.book_slots.take(owner)?;
        self.db.transaction(work)
    }

    /// Like [`App::change_book`], for a single statement.
    pub fn write_book<T>(
        &self,
        owner: i64,
        work: impl FnOnce(&mut Conn) -> Result<T>,
    ) -> Result<T> {
        let _slot = self.book_slots.take(owner)?;
        self.db.write(work)
    }

    /// Reads the whole of an owner's address book, statement by statement: for what takes long in a
    /// large book. One at a time for an owner, so that it costs no other account a worker.
    pub fn look_through_book<T>(
        &self,
        owner: i64,
        work: impl FnOnce(&Pool) -> Result<T>,
    ) -> Result<T> {
        let _slot = self.look_slots.take(owner)?;
        work(&self.db)
    }

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
    /// [`App::change_user_among_admins`]. With the commit the account is gone for everybody; its
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
        if let Err(error) = self.finish_deletion(id) {
            log::warn!("deletion of account {id} goes on later: {error}");
        }
        Ok(())
    }

    /// Deletes what is left of an account that ended: contacts first, in batches, so that no
    /// statement takes long.
    pub fn finish_deletion(&self, id: i64) -> Result<()> {
        while self.db.write(|db| books::empty(db, id))? > 0 {}
        self.db.transaction(|tx| {
            // A write that was under way may have left something behind; the next one waits here,
            // and then finds no book.
            match books::lock(tx, id) {
                Ok(_) => while books::empty(tx, id)? > 0 {},
                Err(Error::Unauthenticated) => {}
                Err(error) => return Err(error),
            }
            users::delete(tx, id).map(|_| ())
        })
    }

    /// The current user for the cache: the account with its live sessions, and whether nobody
    /// was changing it when the look-up began.
    pub fn load_user(&self, id: i64, purpose: Load) -> Result<Loaded> {
        self.db.read(|db| {
            let settled = purpose == Load::ToAnswer || users::is_settled(db, id)?;
            Ok(Loaded { user: users::find_current(db, id, self.now())?, settled })
        })
    }

    /// From now on `readyz` says no, so that load balancers look elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// True after [`App::drain`].
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Wakes the mail worker: a mail was committed.
    pub fn ring_mail_bell(&self) {
        let (rung, bell) = &self.mail_bell;
        *rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        bell.notify_all();
    }

    /// Waits for [`App::ring_mail_bell`], at most so long.
    pub fn wait_for_mail_bell(&self, at_most: Duration) {
        let (rung, bell) = &self.mail_bell;
        let rung = rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = bell.wait_timeout_while(rung, at_most, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

fn mailer(config: &Config) -> Result<Mailer> {
    let transport = match &config.smtp {
        Some(settings) => Transport::Smtp(settings.clone()),
        None => Transport::Files(config.mail_dir.clone()),
    };
    let from = config.mail_from.clone();
    Mailer::new(transport, from, &config.public_url, config.tls_ca.as_deref())
        .map_err(Error::internal)
}

/// One request on its way through the program.
pub struct Call {
    /// The program.
    pub app: Arc<App>,
    /// When the request began: the same instant for everything it does.
    pub now: DateTime<Utc>,
    /// The client's address, behind trusted proxies the one that they tell.
    pub ip: IpAddr,
    /// Names this request in answers and in the log; the client may have chosen it.
    pub request_id: String,
    /// Names this request in audit events, and in the log where it differs: always our own.
    pub own_id: String,
    /// What the path's placeholders stand for, percent-decoded.
    pub params: Vec<(&'static str, String)>,
    /// Largest body in bytes.
    pub body_max: u64,
    /// As it came, without its body.
    pub request: Request,
    /// The body, at most `body_max` bytes and one more. Handlers read it through [`Call::body`],
    /// which checks that.
    pub received: Vec<u8>,
}

impl Call {
    /// What a placeholder of the path stands for.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The `{id}` of the path. What cannot be an id is an unknown one.
    pub fn id(&self) -> Result<i64> {
        let raw = self.param("id");
        let plain = raw.bytes().all(|byte| byte.is_ascii_digit()) && !raw.starts_with('0');
        raw.parse().ok().filter(|_| plain).ok_or(Error::NotFound)
    }

    /// The value of a request header; `None` when it is missing.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.header(name)
    }

    /// Whether `If-None-Match` names this entity tag (in its quotes, without `W/`), so that the
    /// client has the answer already. Weak comparison (RFC 9110, 8.8.3.2 and 13.1.2).
    pub fn if_none_match(&self, tag: &str) -> bool {
        self.header("If-None-Match").is_some_and(|tags| conditions::names(tags, tag, true))
    }

    /// `If-Match` and `If-None-Match` of a change.
    pub fn conditions(&self) -> Conditions {
        Conditions::new(self.header("If-Match"), self.header("If-None-Match"))
    }

    /// The value of a cookie; of several with one name the last one counts.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.header("Cookie")?.split(';');
        let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        pairs.rev().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The type of the body in lower case without parameters, for example `application/json`.
    pub fn content_type(&self) -> String {
        let raw = self.header("Content-Type").unwrap_or_default();
        raw.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// A parameter of the body's type, without its quotes: `charset`, `boundary`.
    pub fn content_type_parameter(&self, name: &str) -> Option<&str> {
        let params = self.header("Content-Type")?.split(';').skip(1);
        params
            .filter_map(|param| param.split_once('='))
            .map(|(known, value)| (known.trim(), value.trim().trim_matches('"')))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// True when the body is an HTML form. Such a caller is a browser and gets HTML back.
    pub fn is_form(&self) -> bool {
        self.content_type() == "application/x-www-form-urlencoded"
    }

    /// The body's bytes. [`Error::BodyTooLarge`] past the route's limit,
    /// [`Error::UnsupportedMediaType`] when it is compressed.
    pub fn body(&self) -> Result<&[u8]> {
        self.check_charset()?;
        self.file()
    }

    /// Like [`Call::body`], in whatever character set: address books of old write their own.
    pub fn file(&self) -> Result<&[u8]> {
        let encoding = self.header("Content-Encoding").unwrap_or("identity");
        if !encoding.eq_ignore_ascii_case("identity") {
            return Err(Error::UnsupportedMediaType("send the body uncompressed".to_owned()));
        }
        if self.received.len() as u64 > self.body_max {
            return Err(Error::BodyTooLarge(self.body_max));
        }
        Ok(&self.received)
    }

    fn check_charset(&self) -> Result<()> {
        let charset = self.content_type_parameter("charset").unwrap_or("utf-8");
        if !["utf-8", "utf8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known)) {
            return Err(Error::UnsupportedMediaType("send the body in UTF-8".to_owned()));
        }
        Ok(())
    }

    /// The JSON body, if it has one of these types.
    pub fn json(&self, types: &[&str]) -> Result<Value> {
        if !types.contains(&self.content_type().as_str()) {
            self.some_body()?;
            return Err(Error::UnsupportedMediaType(format!("send {}", types.join(" or "))));
        }
        let body = self.body()?;
        if !json::is_light(body) {
            return Err(Error::invalid("body", "has more values than any request needs"));
        }
        serde_json::from_slice(body)
            .map_err(|error| Error::Malformed(format!("the body is not valid JSON: {error}")))
    }

    /// The members of a JSON body.
    pub fn members(&self) -> Result<Members> {
        Members::from_json(self.json(&["application/json"])?)
    }

    /// The members of a JSON body, or none where there is no body.
    pub fn members_if_any(&self) -> Result<Members> {
        if self.content_type().is_empty() && self.body()?.is_empty() {
            return Ok(Members::from_form(Vec::new()));
        }
        self.members()
    }

    /// The members of a JSON body or the fields of a form.
    pub fn form_or_members(&self) -> Result<Members> {
        if self.is_form() {
            Ok(Members::from_form(self.form()?))
        } else if self.content_type() == "application/json" {
            self.members()
        } else {
            self.some_body()?;
            let types = "send application/json or application/x-www-form-urlencoded";
            Err(Error::UnsupportedMediaType(types.to_owned()))
        }
    }

    /// Whoever sends nothing at all has no wrong type: [`Error::Malformed`] then.
    fn some_body(&self) -> Result<()> {
        let nothing = self.content_type().is_empty() && self.body()?.is_empty();
        if nothing { Err(Error::Malformed("the body is missing".to_owned())) } else { Ok(()) }
    }

    /// The boundary of a `multipart/form-data` body, for [`crate::multipart`], which checks it.
    pub fn multipart_boundary(&self) -> Result<&str> {
        if self.content_type() != "multipart/form-data" {
            self.some_body()?;
            return Err(Error::UnsupportedMediaType("send multipart/form-data".to_owned()));
        }
        self.content_type_parameter("boundary")
            .ok_or_else(|| Error::Malformed("the boundary is missing".to_owned()))
    }

    /// The fields of a form, in order.
    pub fn form(&self) -> Result<Vec<(String, String)>> {
        pairs(self.body()?, "form")
    }

    /// The query's parameters. [`Error::Malformed`] when it cannot be decoded.
    pub fn query(&self) -> Result<Query> {
        Query::read(self.request.raw_query_string())
    }

    /// Address and program of the client, for its session.
    pub fn client(&self) -> (String, String) {
        let agent = self.header("User-Agent").unwrap_or_default();
        let agent = agent.chars().filter(|c| !c.is_control()).take(200).collect();
        (self.ip.to_string(), agent)
    }

    /// Writes an audit event in the transaction that it tells of.
    pub fn audit(
        &self,
        tx: &mut Tx,
        action: Action,
        actor: Option<i64>,
        user: Option<i64>,
    ) -> Result<()> {
        let event = audit::NewEvent {
            at: self.now,
            actor_id: actor,
            user_id: user,
            action,
            ip: &self.ip.to_string(),
            request_id: &self.own_id,
        };
        audit::insert(tx, event).map(|_| ())
    }

    /// Writes a mail into the outbox, in the transaction that it tells of. Without an account
    /// nothing will be sent, at the same cost. Of notices of a kind at most `NOTICES` an hour.
    pub fn mail(&self, tx: &mut Tx, kind: Kind, to: &str, user: Option<i64>) -> Result<()> {
        let mail = NewMail {
            kind: kind.as_str(),
            recipient: to,
            user_id: user,
            message_id: "",
            is_notice: kind.is_notice(),
            username: None,
            language: None,
        };
        let hour_ago = self.now - chrono::Duration::hours(1);
        if let Some(user) = user.filter(|_| kind.is_notice())
            && outbox::notices(tx, user, kind.as_str(), hour_ago)? >= NOTICES
        {
            return Ok(());
        }
        self.post(tx, mail)
    }

    /// Writes a notice into the outbox that is still sent when its account is gone.
    pub fn last_mail(&self, tx: &mut Tx, kind: Kind, user: &User) -> Result<()> {
        let mail = NewMail {
            kind: kind.as_str(),
            recipient: &user.email,
            user_id: None,
            message_id: "",
            is_notice: true,
            username: Some(&user.username),
            language: user.language.as_deref(),
        };
        self.post(tx, mail)
    }

    fn post(&self, tx: &mut Tx, mail: NewMail) -> Result<()> {
        let message_id = format!("{}@{}", crypto::random_uuid()?, self.app.mailer.domain());
        outbox::insert(tx, NewMail { message_id: &message_id, ..mail }, self.now).map(|_| ())
    }

    /// Makes the account's links for these purposes void: what was mailed, and what waits for its
    /// mail.
    pub fn void_links(&self, tx: &mut Tx, user: i64, purposes: &[Purpose]) -> Result<()> {
        for &purpose in purposes {
            mail_tokens::void(tx, user, purpose)?;
            outbox::withdraw(tx, user, purpose.as_str(), self.now)?;
        }
        Ok(())
    }
}

/// Borrows what [`Call::client`] gives.
pub fn as_client((ip, user_agent): &(String, String)) -> sessions::Client<'_> {
    sessions::Client { ip, user_agent }
}
