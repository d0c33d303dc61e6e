//! THE page: every route with its verb, its path, who may call it, what runs, and its limits.
//!
//! Who may call is the type of the handler: one that takes an [`Admin`] fits in `Admin(…)` only.
//! Literal paths stand before those with placeholders.

use crate::access::{Admin, Caller};
use crate::context::Call;
use crate::error::Result;
use crate::handlers::rest::{birthdays, bulk, calendars, changes, contacts, duplicates, exports};
use crate::handlers::rest::{history, imports, labels, lists, photos, trash};
use crate::handlers::{assets, auth, ops, pages, profile, sessions, users};
use crate::http::Reply;
use crate::limits::Limit;

/// Who may call a route, and what runs.
pub enum Gate {
    /// Everybody.
    Anyone(fn(&Call) -> Result<Reply>),
    /// Everybody who is signed in.
    User(fn(&Call, &Caller) -> Result<Reply>),
    /// Admins.
    Admin(fn(&Call, &Admin) -> Result<Reply>),
}

/// One route.
pub struct Route {
    /// The method; `GET` answers `HEAD` too.
    pub verb: &'static str,
    /// The path; `{name}` stands for one segment or for its beginning.
    pub path: &'static str,
    /// Who may, and what runs.
    pub gate: Gate,
    /// What counts its requests.
    pub limit: Limit,
    /// Largest body in bytes.
    pub body: u64,
    /// A page of ours posts forms here: whoever sends one is a browser and gets HTML, for errors
    /// too.
    pub pages: bool,
    /// What its handler waits for.
    pub waits: Waits,
}

/// What a handler waits for, and so the line in which its requests wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// Nothing: it is answered at once.
    Never,
    /// Postgres.
    Postgres,
    /// A core: it hashes a password or decodes a picture.
    Core,
    /// Something short beside the others: probes, and pages that are put together.
    Briefly,
}

impl Waits {
    /// The line in which its requests wait, a place in the list of `serve::lines`.
    pub const fn line(self) -> usize {
        match self {
            Waits::Never | Waits::Postgres => 0,
            Waits::Core => 1,
            Waits::Briefly => 2,
        }
    }
}

const KIB: u64 = 1024;
/// Room for the longest contact that is not made to be long: a note of 20,000 characters, each escaped,
/// and full lists.
const CONTACT: u64 = 1024 * KIB;
/// A picture of 5 MiB and what multipart puts around it. A larger picture inside that is refused
/// when it is unpacked.
const PICTURE: u64 = 5 * 1024 * KIB + 8 * KIB;

/// A file of contacts.
const FILE: u64 = 50 * 1024 * KIB;

const fn route(verb: &'static str, path: &'static str, gate: Gate) -> Route {
    let (limit, body) = (Limit::Default, 16 * KIB);
    Route { verb, path, gate, limit, body, pages: false, waits: Waits::Postgres }
}

impl Route {
    const fn limit(mut self, limit: Limit) -> Route {
        self.limit = limit;
        self
    }

    const fn waits(mut self, waits: Waits) -> Route {
        self.waits = waits;
        self
    }

    const fn pages(mut self) -> Route {
        self.pages = true;
        self
    }

    const fn body(mut self, bytes: u64) -> Route {
        self.body = bytes;
        self
    }
}

use Gate::{Admin as AdminOnly, Anyone, User};

/// All routes.
pub static ROUTES: &[Route] = &[
    // Signing in
    route("POST", "/api/auth/register", Anyone(auth::register))
        .limit(Limit::Register)
        .waits(Waits::Core),
    route("POST", "/api/auth/login", Anyone(auth::login)).limit(Limit::Login).waits(Waits::Core),
    route("POST", "/api/auth/refresh", Anyone(auth::refresh)),
    route("POST", "/api/auth/logout", User(auth::logout)),
    route("POST", "/api/auth/logout-all", User(auth::logout_all)),
    // Links in mails
    route("POST", "/api/auth/request_email", Anyone(auth::request_email))
        .limit(Limit::Mail)
        .pages(),
    route("GET", "/api/auth/confirmed_email/{token}", Anyone(pages::confirm)),
    route("POST", "/api/auth/confirm-email", Anyone(auth::confirm_email)).pages(),
    route("POST", "/api/auth/request-password-reset", Anyone(auth::request_password_reset))
        .limit(Limit::Mail)
        .pages(),
    route("GET", "/api/auth/reset-password/{token}", Anyone(pages::reset)),
    route("POST", "/api/auth/reset-password", Anyone(auth::reset_password))
        .pages()
        .waits(Waits::Core),
    // One's own account
    route("GET", "/api/users/me", User(profile::me)).limit(Limit::Me).waits(Waits::Never),
    route("PATCH", "/api/users/me", User(profile::rename)),
    route("DELETE", "/api/users/me", User(profile::delete)).waits(Waits::Core),
    route("POST", "/api/users/me/password", User(profile::change_password)).waits(Waits::Core),
    route("POST", "/api/users/me/email", User(profile::change_email)).waits(Waits::Core),
    route("GET", "/api/users/me/sessions", User(sessions::list)),
    route("DELETE", "/api/users/me/sessions/{id}", User(sessions::delete)),
    route("GET", "/api/users/me/export", User(exports::account)),
    route("PATCH", "/api/users/avatar", AdminOnly(profile::set_avatar))
        .body(PICTURE)
        .waits(Waits::Core),
    route("DELETE", "/api/users/avatar", AdminOnly(profile::delete_avatar)),
    route("GET", "/avatars/{key}", Anyone(pages::avatar)),
    // All accounts
    route("GET", "/api/users", AdminOnly(users::list)),
    route("GET", "/api/users/{id}", AdminOnly(users::get)),
    route("PATCH", "/api/users/{id}", AdminOnly(users::set_active)),
    route("DELETE", "/api/users/{id}", AdminOnly(users::delete)),
    route("PATCH", "/api/users/{id}/role", AdminOnly(users::set_role)),
    route("GET", "/api/audit-events", AdminOnly(users::audit_events)),
    // Contacts
    route("POST", "/api/contacts", User(contacts::create)).body(CONTACT),
    route("GET", "/api/contacts", User(lists::list)),
    route("GET", "/api/contacts/trash", User(trash::list)),
    route("GET", "/api/contacts/birthdays", User(birthdays::list)),
    route("GET", "/api/contacts/export", User(exports::contacts)),
    route("POST", "/api/contacts/import", User(imports::import)).body(FILE),
    route("GET", "/api/contacts/labels", User(labels::list)),
    route("PATCH", "/api/contacts/labels", User(labels::rename)),
    route("POST", "/api/contacts/bulk", User(bulk::bulk)).body(32 * KIB),
    route("GET", "/api/contacts/duplicates", User(duplicates::list)),
    route("POST", "/api/contacts/duplicates/dismiss", User(duplicates::dismiss)).body(32 * KIB),
    route("POST", "/api/contacts/merge", User(duplicates::merge)).body(CONTACT),
    route("GET", "/api/contacts/changes", User(changes::list)),
    route("POST", "/api/contacts/rewind", User(history::rewind)),
    route("POST", "/api/contacts/calendar-url", User(calendars::create)),
    route("DELETE", "/api/contacts/calendar-url", User(calendars::delete)),
    route("GET", "/calendars/{secret}.ics", Anyone(calendars::get)),
    route("GET", "/api/contacts/{id}", User(contacts::get)),
    route("PUT", "/api/contacts/{id}", User(contacts::replace)).body(CONTACT),
    route("PATCH", "/api/contacts/{id}", User(contacts::patch)).body(CONTACT),
    route("DELETE", "/api/contacts/{id}", User(contacts::delete)),
    route("POST", "/api/contacts/{id}/restore", User(trash::restore)),
    route("GET", "/api/contacts/{id}/photo", User(photos::get)),
    route("PUT", "/api/contacts/{id}/photo", User(photos::set)).body(PICTURE).waits(Waits::Core),
    route("DELETE", "/api/contacts/{id}/photo", User(photos::delete)),
    route("GET", "/api/contacts/{id}/history", User(history::list)),
    route("POST", "/api/contacts/{id}/revert", User(history::revert)),
    // The server itself
    route("GET", "/api/healthchecker", Anyone(ops::healthchecker))
        .limit(Limit::Never)
        .waits(Waits::Briefly),
    route("GET", "/healthz", Anyone(ops::healthz)).limit(Limit::Never).waits(Waits::Never),
    route("GET", "/readyz", Anyone(ops::readyz)).limit(Limit::Never).waits(Waits::Briefly),
    route("GET", "/openapi.json", Anyone(assets::description)).waits(Waits::Briefly),
    route("GET", "/docs", Anyone(assets::docs)).waits(Waits::Briefly),
    route("GET", "/docs.js", Anyone(assets::docs_script)).waits(Waits::Briefly),
    route("GET", "/docs.css", Anyone(assets::docs_style)).waits(Waits::Briefly),
    route("GET", "/", Anyone(pages::landing)).waits(Waits::Briefly),
    route("GET", "/style.css", Anyone(assets::style)).waits(Waits::Briefly),
    route("GET", "/icon.svg", Anyone(assets::icon)).waits(Waits::Briefly),
];

/// What the placeholders of a path stand for.
pub type Params = Vec<(&'static str, String)>;

/// The routes of a path, one for each verb, and what its placeholders stand for. A trailing slash
/// makes no difference. Placeholders never match an empty text.
pub fn find(path: &str) -> Option<(Vec<&'static Route>, Params)> {
    let shorter = path.strip_suffix('/');
    let path = shorter.filter(|it| !it.is_empty() && !it.ends_with('/')).unwrap_or(path);
    let (first, params) =
        ROUTES.iter().find_map(|route| Some((route, matches(route.path, path)?)))?;
    let same = ROUTES.iter().filter(|route| route.path == first.path);
    Some((same.collect(), params))
}

fn matches(pattern: &'static str, path: &str) -> Option<Params> {
    if !pattern.contains('{') {
        return (pattern == path).then(Params::new);
    }
    let mut params = Params::new();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        match expected.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((name, suffix)) => {
                let value = segment.strip_suffix(suffix).filter(|value| !value.is_empty())?;
                let value = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
                // No id, token or key has any, and Postgres cannot even compare with NUL.
                if value.contains(char::is_control) {
                    return None;
                }
                params.push((name, value.into_owned()));
            }
            None if expected == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_makes_no_difference() {
        for path in ["/api/contacts", "/api/contacts/"] {
            assert_eq!(find(path).unwrap().0.len(), 2, "{path}");
        }
        assert!(find("/api/contacts//").is_none());
        assert!(find("//").is_none());
        assert!(find("").is_none());
        assert!(find("/").is_some());
    }

    #[test]
    fn placeholders_are_decoded_and_never_empty() {
        let (_, params) = find("/api/contacts/%37").unwrap();
        assert_eq!(params, [("id", "7".to_owned())]);
        assert!(find("/api/auth/confirmed_email/").is_none());
        assert!(find("/api/contacts/%ff").is_none());
        assert!(find("/avatars/%00").is_none());
    }
}
