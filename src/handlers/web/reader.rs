//! What a page has to know of its reader: language, clock, who is signed in, what was just done. And
//! what one page hands to the next: a message, something that is shown once.

use crate::access::{Caller, Owner, Visitor, same_origin};
use crate::context::Call;
use crate::crypto::Purpose;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::handlers::views;
use crate::http::{self, Reply};
use crate::markup::doors;
use crate::markup::page::{Flash, Page, User};
use crate::markup::queries;
use crate::markup::words::{self, Words};
use crate::model::contact::Stored;
use crate::model::user::Role;
use crate::repository::contacts::{books, history, rows};
use crate::service::history::reaches;
use crate::service::writer::By;
use chrono::TimeDelta;
use chrono_tz::Tz;
use maud::Markup;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// The cookie that hands something to the next page. It is encrypted, for the account alone.
const FLASH: &str = "flash";
/// The cookie of the language that a visitor chose before signing in.
const LANGUAGE: &str = "lang";
/// The cookie with the browser's time zone, which the script writes.
const ZONE: &str = "zone";

/// Bytes of an address to come back to that a message takes along.
const BACK_MAX: usize = 500;

/// A cookie for our pages, of so many seconds.
pub fn set_cookie(call: &Call, name: &str, value: &str, seconds: i64) -> String {
    let name = call.cookie_name(name);
    let secure = if call.app.config.is_https() { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// The visitor, who has to be signed in.
pub fn caller(visitor: &Visitor) -> Result<&Caller> {
    visitor.caller().ok_or(Error::Unauthenticated)
}

/// The visitor as the owner of contacts, and what the history of a contact says of a change made here.
pub fn owner(call: &Call, visitor: &Visitor) -> Result<(Owner, By)> {
    let owner = visitor.owner().ok_or(Error::Unauthenticated)?;
    let by = By::of("web", call, &owner);
    Ok((owner, by))
}

/// The words and the order of dates for whoever sent this: as the account says, as was chosen before
/// signing in, as the browser asks.
fn language(call: &Call, visitor: Option<&Visitor>) -> (&'static Words, bool) {
    let (accepted, month_first) =
        words::accepted(call.header("Accept-Language").unwrap_or_default());
    let account = visitor.and_then(Visitor::caller).and_then(|it| it.user().language.clone());
    let chosen = asked_language(call).or(call.cookie(LANGUAGE).map(str::to_owned));
    let wanted = account.or(chosen).and_then(|tag| words::of(&tag));
    let words = wanted.unwrap_or(accepted);
    (words, month_first && words.lang == accepted.lang)
}

/// `?lang=uk`, from the links below the pages for whoever is not signed in.
fn asked_language(call: &Call) -> Option<String> {
    let mut query = call.query().ok()?;
    query.text("lang").filter(|tag| words::of(tag).is_some())
}

/// The words for a visitor.
pub fn words(call: &Call, visitor: &Visitor) -> &'static Words {
    language(call, Some(visitor)).0
}

/// What the page for a visitor shows beside its content.
pub fn page<'a>(call: &'a Call, visitor: &Visitor) -> Page<'a> {
    let zone = call
        .cookie(ZONE)
        .and_then(|zone| percent_decode_str(zone).decode_utf8().ok()?.parse::<Tz>().ok());
    let user = visitor.caller().map(|caller| User {
        username: caller.user().username.clone(),
        avatar: views::avatar_path(caller.user()),
        is_admin: caller.user().role == Role::Admin,
    });
    let handed = handed(call, visitor);
    let flash = handed.filter(|it| !text(it, "text").is_empty()).map(|it| Flash {
        text: text(&it, "text").to_owned(),
        undo: it.get("undo").and_then(|it| serde_json::from_value(it.clone()).ok()),
        back: text(&it, "back").to_owned(),
        duplicates: it.get("duplicates").and_then(Value::as_i64).unwrap_or(0),
    });
    let (w, month_first) = language(call, Some(visitor));
    let today = call.now.with_timezone(&zone.unwrap_or(Tz::UTC)).date_naive();
    let csrf = visitor.csrf().to_owned();
    Page { w, month_first, zone, today, user, csrf, flash, ..anyone(call) }
}

/// The page for nobody in particular: of errors, and behind mailed links.
pub fn anyone<'a>(call: &'a Call) -> Page<'a> {
    let (w, month_first) = language(call, None);
    Page {
        w,
        month_first,
        zone: None,
        today: call.now.date_naive(),
        path: call.path(),
        user: None,
        csrf: String::new(),
        search: String::new(),
        search_fault: None,
        flash: None,
        query: ["GET", "HEAD"].contains(&call.request.method()).then(|| {
            let pairs = call.request.raw_query_string().split('&');
            pairs.filter(|pair| pair.starts_with("next=")).collect::<Vec<_>>().join("&")
        }),
    }
}

/// Answers with a page. What the page before handed over was shown, and is gone.
pub fn show(call: &Call, page: Markup) -> Reply {
    let reply = show_again(call, page);
    match call.cookie(FLASH) {
        Some(_) => reply.and("Set-Cookie", set_cookie(call, FLASH, "", 0)),
        None => reply,
    }
}

/// Answers with a page that can be loaded again: it has what was handed over for some minutes.
pub fn show_again(call: &Call, page: Markup) -> Reply {
    let mut reply = Reply::html(page.into_string());
    if let Some(language) = asked_language(call) {
        reply = reply.and("Set-Cookie", set_cookie(call, LANGUAGE, &language, 31_536_000));
    }
    reply
}

/// Answers with the page of a form in which something is wrong.
pub fn refuse(error: &Error, page: Markup) -> Reply {
    let status = match error {
        Error::TooManyRequests(_) | Error::PreconditionFailed | Error::StaleForm => error,
        _ => &Error::Invalid(Vec::new()),
    };
    Reply::html_error(status, page.into_string())
}

/// Sends the browser on.
pub fn go(location: impl Into<String>) -> Reply {
    Reply::see_other(location.into())
}

/// Where a visitor wanted to go, if it is a page of ours.
pub fn way_on(next: &str) -> &str {
    // Browsers leave tabs and line breaks out of an address, so that `/<tab>/host` is one of `host`.
    let plain = |c: char| c != '\\' && !c.is_control();
    let inside = next.starts_with('/') && !next.starts_with("//") && next.chars().all(plain);
    if inside { next } else { "/contacts" }
}

/// Sends the browser on, with a message for the next page.
pub fn go_saying(
    call: &Call,
    visitor: &Visitor,
    location: impl Into<String>,
    text: impl Into<String>,
) -> Result<Reply> {
    hand(call, visitor, location, &json!({ "text": text.into() }))
}

/// The same with the button "Undo", which goes back to this revision of the book, if history can and
/// something has changed since; and then to the same page.
pub fn go_undoable(
    call: &Call,
    visitor: &Visitor,
    location: impl Into<String>,
    text: impl Into<String>,
    before: i64,
) -> Result<Reply> {
    let undo = undo(call, visitor.caller().map_or(0, Caller::id), before)?;
    let location = location.into();
    // Of 4,096 bytes that browsers keep of a cookie it takes few.
    let back = Some(&location).filter(|it| it.len() < BACK_MAX);
    hand(call, visitor, &*location, &json!({ "text": text.into(), "undo": undo, "back": back }))
}

/// For the button "Undo": the revision to go back to, and the one that the book must have for that; else it is asked
/// first, as it is where another program has changed something since, or this one after what a second click finds
/// done. None if nothing has changed.
pub fn undo(call: &Call, owner: i64, before: i64) -> Result<Option<[i64; 2]>> {
    let client = call.client().user_agent;
    let (now, can, alone) = call.app.db.read(|db| {
        let (now, can) = reaches(db, owner, before, call.now)?;
        let last = books::find(db, owner)?.changed_at;
        let first = history::instant_of(db, owner, before.saturating_add(1))?;
        // Where the book's clock was ahead, instants of changes say nothing of when this request began.
        let is_ahead = last > call.app.now() + TimeDelta::seconds(1);
        let ours = first.is_none_or(|at| at == last || at >= call.now && !is_ahead);
        Ok((now, can, ours && !history::others_since(db, owner, before, &client)?))
    })?;
    Ok((can && before != now).then_some([before, if alone { now } else { before }]))
}

/// The revision that an owner's book has now.
pub fn revision(call: &Call, owner: i64) -> Result<i64> {
    Ok(call.app.db.read(|db| books::find(db, owner))?.revision)
}

/// A contact of the book; [`Error::InTrash`] if it was deleted.
pub fn contact(db: &mut Conn, owner: i64, id: i64) -> Result<Stored> {
    if let Some(stored) = rows::find(db, owner, id)? {
        return Ok(stored);
    }
    let in_trash = rows::all(db, owner, &[id])?.iter().any(|it| !it.is_group);
    Err(if in_trash { Error::InTrash } else { Error::NotFound })
}

/// The revision of the book before these contacts went to the trash, where they all are: what a second
/// click on a button finds.
pub fn before_the_trash(call: &Call, owner: i64, ids: &[i64]) -> Result<i64> {
    let found = call.app.db.read(|db| rows::all(db, owner, ids))?;
    let gone = found.iter().filter(|it| it.contact.deleted_at.is_some() && !it.is_group);
    let revisions: Vec<_> = gone.map(|it| it.contact.revision).collect();
    let first = revisions.iter().min().filter(|_| revisions.len() == ids.len());
    first.map(|first| first - 1).ok_or(Error::NotFound)
}

/// Sends the browser on with something for the next page.
pub fn hand(
    call: &Call,
    visitor: &Visitor,
    location: impl Into<String>,
    what: &Value,
) -> Result<Reply> {
    let account = visitor.caller().map_or(0, Caller::id);
    let sealed = call.app.keys.seal_text(Purpose::Flash, account, &what.to_string())?;
    Ok(go(location).and("Set-Cookie", set_cookie(call, FLASH, &sealed, 300)))
}

/// A text in something that was handed over; an empty one where there is none.
pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What the page before handed over.
pub fn handed(call: &Call, visitor: &Visitor) -> Option<Value> {
    let account = visitor.caller().map_or(0, Caller::id);
    let plain = call.app.keys.open_text(Purpose::Flash, account, call.cookie(FLASH)?)?;
    serde_json::from_str(&plain).ok()
}

/// True for a request of a browser for a page: where there is nothing, it is shown a page too.
pub fn browses(call: &Call) -> bool {
    let path = call.request.raw_url();
    let html = call.header("Accept").is_some_and(|accept| accept.contains("text/html"));
    html && !path.starts_with("/api/") && !path.starts_with("/dav")
}

/// The query of a list that a form came from, to go back to where it was: those of its parameters that are named.
pub fn place(query: &str, names: &[&str]) -> String {
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let pairs = pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    queries::query(&pairs.filter(|(name, _)| names.contains(name)).collect::<Vec<_>>())
}

/// The page of an error; whoever is not signed in is sent to the sign-in page. `visitor`: whose request was let
/// in and failed then.
pub fn failed(call: &Call, visitor: Option<&Visitor>, error: &Error) -> Reply {
    if let Error::Unauthenticated = error {
        let next = queries::query(&[("next", call.request.raw_url())]);
        return go(format!("/login?{next}"));
    }
    let page = match visitor {
        Some(visitor) => Page { flash: None, ..page(call, visitor) },
        None => anyone(call),
    };
    let detail = match error {
        // Of two pages that were open one was used.
        Error::StaleForm => match (call.path(), &page.user) {
            ("/login" | "/login/code", Some(_)) => page.w.sentence("You are signed in already."),
            ("/logout" | "/settings/sessions/end-all" | "/settings/delete", None) => {
                page.w.sentence("You are signed out already.")
            }
            _ => page.w.stale_form.to_owned(),
        },
        // Their fields are none that the reader wrote in.
        Error::Invalid(faults) => {
            let faults = faults.iter().map(|fault| page.w.sentence(&fault.detail));
            faults.collect::<Vec<_>>().join(" ")
        }
        Error::BodyTooLarge(most) if *most >= 1 << 20 => {
            page.w.sentence(&format!("must have at most {} MiB", most >> 20))
        }
        _ => page.w.sentence(&http::detail(error)),
    };
    if matches!(error, Error::StaleForm) && !same_origin(call) {
        let (from, link) = elsewhere(call);
        let page = doors::other_address(&page, from, &link, &call.request_id);
        return Reply::html_error(error, page.into_string());
    }
    let title = page.w.sentence(http::title(error));
    let title = title.trim_end_matches('.');
    let way = match error {
        Error::InTrash => ("/trash", page.w.trash),
        _ => ("/", page.w.first_page),
    };
    let page = doors::error(&page, title, &detail, way, &call.request_id);
    Reply::html_error(error, page.into_string())
}

/// Where a form came from, as the browser names it, and the address at which its page belongs.
fn elsewhere(call: &Call) -> (Option<&str>, String) {
    let from = call.header("Origin").filter(|origin| *origin != "null");
    let opened = call.header("Referer").filter(|_| from.is_some());
    let opened = opened.and_then(|opened| opened.strip_prefix(from.unwrap_or_default()));
    let path = opened.filter(|path| path.starts_with('/')).unwrap_or(call.path());
    (from, format!("{}{path}", call.app.config.public_url))
}
