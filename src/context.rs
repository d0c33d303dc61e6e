//! What a handler works with: [`App`], one per process, and [`Call`], one per request.

use crate::cache::{Cache, Load, Loaded};
use crate::config::Config;
use crate::counters::Counters;
use crate::crypto::{AccessTokens, Passwords};
use crate::db::{Pool, Tx};
use crate::error::{Error, Faults, Result};
use crate::mail::{Kind, Mailer, Transport};
use crate::model::input::Members;
use crate::repository::audit::{self, Action};
use crate::repository::contacts::books;
use crate::repository::mail_tokens::{self, Purpose};
use crate::repository::outbox::{self, NewMail};
use crate::repository::users::{self, Credentials};
use crate::repository::{Slice, sessions};
use crate::{crypto, model};
use chrono::{DateTime, SubsecRound, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use rouille::Request;
use serde_json::Value;
use std::io::Read;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

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
    /// Counts requests.
    pub counters: Counters,
    /// When this value was made.
    pub started: DateTime<Utc>,
    clock: Clock,
    draining: AtomicBool,
    mail_bell: (Mutex<bool>, Condvar),
}

impl App {
    /// Puts the parts together. Opens no connection, so it succeeds while a store is down.
    pub fn new(config: Config, clock: Clock) -> Result<App> {
        let redis_url = config.redis_url.as_ref().map(|url| url.reveal());
        Ok(App {
            db: Pool::new(&config)?,
            cache: Cache::new(redis_url, config.redis_prefix.clone())?,
            mailer: mailer(&config)?,
            passwords: Passwords::new()?,
            access_tokens: AccessTokens::new(&config),
            counters: Counters::default(),
            started: clock(),
            clock,
            draining: AtomicBool::new(false),
            mail_bell: (Mutex::new(false), Condvar::new()),
            config,
        })
    }

    /// Now, in the microseconds that Postgres keeps: what is answered is what is stored.
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)().trunc_subsecs(6)
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
        self.among_admins(id, |_| Ok(()), work)
    }

    /// Deletes an account if `check` has nothing against it; like
    /// [`App::change_user_among_admins`]. The address book is locked before everything else, in
    /// the order in which whoever writes a contact locks it and then its owner.
    pub fn delete_user(
        &self,
        id: i64,
        check: impl FnOnce(&mut Tx, Credentials, &[i64]) -> Result<()>,
    ) -> Result<()> {
        let lock_book = |tx: &mut Tx| {
            books::lock(tx, id).map_err(|error| match error {
                Error::Unauthenticated => Error::NotFound,
                other => other,
            })
        };
        self.among_admins(id, lock_book, |tx, user, admins| {
            check(tx, user, admins)?;
            users::delete(tx, id).map(|_| ())
        })
    }

    fn among_admins<T>(
        &self,
        id: i64,
        first: impl FnOnce(&mut Tx) -> Result<()>,
        work: impl FnOnce(&mut Tx, Credentials, &[i64]) -> Result<T>,
    ) -> Result<T> {
        self.cache.write(&[id], |fence| {
            self.db.transaction(|tx| {
                first(tx)?;
                let admins = users::lock_active_admins(tx)?;
                let user = users::lock(tx, id)?.ok_or(Error::NotFound)?;
                fence.raise(&[id])?;
                work(tx, user, &admins)
            })
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
pub struct Call<'a> {
    /// The program.
    pub app: &'a App,
    /// When the request began: the same instant for everything it does.
    pub now: DateTime<Utc>,
    /// The client's address, behind trusted proxies the one that they tell.
    pub ip: IpAddr,
    /// Names this request in answers, in the log and in audit events.
    pub request_id: String,
    /// What the path's placeholders stand for, percent-decoded.
    pub params: Vec<(&'static str, String)>,
    /// Largest body in bytes.
    pub body_max: u64,
    /// As it came. Bodies are read through [`Call::body`] only, which knows the limit.
    pub request: &'a Request,
}

impl Call<'_> {
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
    pub fn body(&self) -> Result<Vec<u8>> {
        self.check_charset()?;
        self.file()
    }

    /// Like [`Call::body`], in whatever character set: address books of old write their own.
    pub fn file(&self) -> Result<Vec<u8>> {
        let encoding = self.header("Content-Encoding").unwrap_or("identity");
        if !encoding.eq_ignore_ascii_case("identity") {
            return Err(Error::UnsupportedMediaType("send the body uncompressed".to_owned()));
        }
        let mut bytes = Vec::new();
        if let Some(body) = self.request.data() {
            let read = body.take(self.body_max + 1).read_to_end(&mut bytes);
            read.map_err(|_| Error::Malformed("the body ended early".to_owned()))?;
        }
        if bytes.len() as u64 > self.body_max {
            return Err(Error::BodyTooLarge(self.body_max));
        }
        Ok(bytes)
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
        serde_json::from_slice(&body)
            .map_err(|error| Error::Malformed(format!("the body is not valid JSON: {error}")))
    }

    /// The members of a JSON body.
    pub fn members(&self) -> Result<Members> {
        Members::from_json(self.json(&["application/json"])?)
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

    fn form(&self) -> Result<Vec<(String, String)>> {
        pairs(&self.body()?, "form")
    }

    /// The query's parameters. [`Error::Malformed`] when it cannot be decoded.
    pub fn query(&self) -> Result<Query> {
        let raw = self.request.raw_query_string().as_bytes();
        Ok(Query { pairs: pairs(raw, "query")?, faults: Faults::default() })
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
            request_id: &self.request_id,
        };
        audit::insert(tx, event).map(|_| ())
    }

    /// Writes a mail into the outbox, in the transaction that it tells of. Without an account
    /// nothing will be sent, at the same cost.
    pub fn mail(&self, tx: &mut Tx, kind: Kind, to: &str, user: Option<i64>) -> Result<()> {
        let message_id = format!("{}@{}", crypto::random_uuid()?, self.app.mailer.domain());
        let mail =
            NewMail { kind: kind.as_str(), recipient: to, user_id: user, message_id: &message_id };
        outbox::insert(tx, mail, self.now).map(|_| ())
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

/// Decodes `a=1&b=2` (application/x-www-form-urlencoded), strictly: a broken `%` or broken UTF-8
/// is the client's mistake and not replaced by something else.
fn pairs(raw: &[u8], what: &str) -> Result<Vec<(String, String)>> {
    let wrong = || Error::Malformed(format!("the {what} is not valid percent-encoded UTF-8"));
    let decode = |text: &[u8]| -> Result<String> {
        let text: Vec<u8> =
            text.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
        let stray = text
            .split(|&byte| byte == b'%')
            .skip(1)
            .any(|after| !(after.len() >= 2 && after.iter().take(2).all(u8::is_ascii_hexdigit)));
        let decoded = percent_decode(&text).decode_utf8().map_err(|_| wrong())?;
        if stray { Err(wrong()) } else { Ok(decoded.into_owned()) }
    };
    raw.split(|&byte| byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |&byte| byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            Ok((name, decode(halves.next().unwrap_or_default())?))
        })
        .collect()
}

/// The parameters of a query. Unknown ones are ignored, an empty one counts as absent, and of a
/// repeated one the last counts. Call [`Query::finish`] when everything was asked for.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
    faults: Faults,
}

impl Query {
    /// A text; NFC and trimmed like every string.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.parsed(name, |raw| model::text::line(raw, 0, 1_000))
    }

    /// A parameter that passes `check`.
    pub fn parsed<T>(
        &mut self,
        name: &str,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let raw = self.pairs.iter().rev().find(|(known, _)| known == name).map(|(_, raw)| raw)?;
        if model::text::is_blank(raw) {
            return None;
        }
        match check(raw) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.faults.add(name, detail);
                None
            }
        }
    }

    /// A whole number within a range.
    pub fn number(&mut self, name: &str, default: i64, range: RangeInclusive<i64>) -> i64 {
        let number = self.parsed(name, |raw| {
            let number = raw.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| {
                format!("must be a number from {} to {}", range.start(), range.end())
            })
        });
        number.unwrap_or(default)
    }

    /// True or false.
    pub fn flag(&mut self, name: &str) -> bool {
        let flag = self.parsed(name, |raw| match raw {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        });
        flag.unwrap_or(false)
    }

    /// `limit` 1 to 100 (20) and `skip` 0 to 10,000.
    pub fn slice(&mut self) -> Slice {
        Slice { limit: self.number("limit", 20, 1..=100), skip: self.number("skip", 0, 0..=10_000) }
    }

    /// Notes a fault that only several parameters together show.
    pub fn fault(&mut self, name: &str, detail: &str) {
        self.faults.add(name, detail);
    }

    /// The query as it was sent, but without some parameters and with another one. Encoded anew,
    /// so that it can stand in a header.
    pub fn with(&self, without: &[&str], name: &str, value: &str) -> String {
        let kept = self.pairs.iter().filter(|(name, _)| !without.contains(&name.as_str()));
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        let encode = |text| utf8_percent_encode(text, &RESERVED).to_string();
        let pairs = kept
            .chain([(name, value)])
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// Fails with every fault.
    pub fn finish(self) -> Result<()> {
        self.faults.into_result(())
    }
}

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
