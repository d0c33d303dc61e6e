//! THE page: every route with its verb, its path, who may call it, what runs, and its limits.
//!
//! Who may call is the type of the handler: one that takes an [`Admin`] fits in `Admin(…)` only.
//! Literal paths stand before those with placeholders.

mod pattern;
mod waits;

use pattern::Params;
pub use waits::Waits;

use crate::access::{Admin, Caller, Device, Owner, Visitor};
use crate::context::Call;
use crate::error::Result;
use crate::handlers::rest::{birthdays, bulk, calendars, changes, contacts, duplicates, exports};
use crate::handlers::rest::{history, imports, labels, lists, photos, trash};
use crate::handlers::web::{self, admin, connect, doors, edit, files, links, past, settings};
use crate::handlers::{app_passwords, assets, auth, dav, ops, profile, second_factor};
use crate::handlers::{sessions, users, well_known};
use crate::http::Reply;
use crate::limits::Limit;
use crate::model::contact::CARD_MAX;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Who may call a route, and what runs.
pub enum Gate {
    /// Any client.
    Anyone(fn(&Call) -> Result<Reply>),
    /// Users who are signed in.
    User(fn(&Call, &Caller) -> Result<Reply>),
    /// Whoever may touch the contacts of an account: signed in, or with an app password whose scope
    /// the method is in.
    Contacts(fn(&Call, &Owner) -> Result<Reply>),
    /// Devices with an app password, over CardDAV.
    Device(fn(&Call, &Device) -> Result<Reply>),
    /// Browsers, with a page's session or without.
    Visitor(fn(&Call, &Visitor) -> Result<Reply>),
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

const KIB: u64 = 1024;
/// Room for the longest contact that is not made to be long: a note of 20,000 characters, each escaped,
/// and full lists.
const CONTACT: u64 = 1024 * KIB;
/// A picture of 5 MiB and what multipart puts around it. A larger picture inside that is refused
/// when it is unpacked.
const PICTURE: u64 = 5 * 1024 * KIB + 8 * KIB;
/// A form with a camera's picture: it is refused on the form, which comes back with what was written.
const CAMERA: u64 = 4 * PICTURE;

/// A file of contacts.
const FILE: u64 = 50 * 1024 * KIB;

/// XML of CardDAV: a report names thousands of cards; what else is asked is short.
const REPORT: u64 = 10 * 1024 * KIB;
/// See [`REPORT`].
const XML: u64 = 256 * KIB;
/// A card of CardDAV.
const CARD: u64 = CARD_MAX as u64;

/// A route of CardDAV. Which resource a path names, its handler finds out.
const fn device(verb: &'static str, run: fn(&Call, &Device) -> Result<Reply>) -> Route {
    route(verb, "/dav/{path*}", Gate::Device(run)).limit(Limit::Dav).body(XML)
}

/// A page for people.
const fn page(path: &'static str, run: fn(&Call, &Visitor) -> Result<Reply>) -> Route {
    route("GET", path, Gate::Visitor(run))
}

/// A form that a page sends.
const fn form(path: &'static str, run: fn(&Call, &Visitor) -> Result<Reply>) -> Route {
    route("POST", path, Gate::Visitor(run))
}

const fn route(verb: &'static str, path: &'static str, gate: Gate) -> Route {
    let (limit, body) = (Limit::Default, 16 * KIB);
    Route { verb, path, gate, limit, body, pages: false, waits: Waits::Postgres }
}

impl Route {
    /// True for a path below `/dav/`.
    pub fn is_below_dav(&self) -> bool {
        self.path == OTHERS_OF_DAV.path
    }

    /// True for CardDAV, whose errors have a form of their own.
    pub fn is_dav(&self) -> bool {
        matches!(self.gate, Gate::Device(_))
    }

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

use Gate::{Admin as AdminOnly, Anyone, Contacts, User};

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
    route("GET", "/api/auth/confirmed_email/{token}", Anyone(links::confirm)),
    route("POST", "/api/auth/confirm-email", Anyone(auth::confirm_email)).pages(),
    route("POST", "/api/auth/request-password-reset", Anyone(auth::request_password_reset))
        .limit(Limit::Mail)
        .pages(),
    route("GET", "/api/auth/reset-password/{token}", Anyone(links::reset)),
    route("POST", "/api/auth/reset-password", Anyone(auth::reset_password))
        .pages()
        .waits(Waits::Core),
    // One's own account
    route("GET", "/api/users/me", User(profile::me)).limit(Limit::Me).waits(Waits::Never),
    route("PATCH", "/api/users/me", User(profile::rename)),
    route("DELETE", "/api/users/me", User(profile::delete))
        .limit(Limit::Password)
        .waits(Waits::Core),
    route("POST", "/api/users/me/password", User(profile::change_password))
        .limit(Limit::Password)
        .waits(Waits::Core),
    route("POST", "/api/users/me/email", User(profile::change_email))
        .limit(Limit::Password)
        .waits(Waits::Core),
    route("GET", "/api/users/me/sessions", User(sessions::list)),
    route("DELETE", "/api/users/me/sessions/{id}", User(sessions::delete)),
    route("GET", "/api/users/me/app-passwords", User(app_passwords::list)),
    route("POST", "/api/users/me/app-passwords", User(app_passwords::create))
        .limit(Limit::Password)
        .waits(Waits::Core),
    route("DELETE", "/api/users/me/app-passwords/{id}", User(app_passwords::delete)),
    route("POST", "/api/users/me/totp", User(second_factor::begin))
        .limit(Limit::Password)
        .waits(Waits::Core),
    route("DELETE", "/api/users/me/totp", User(second_factor::delete))
        .limit(Limit::Password)
        .waits(Waits::Core),
    route("POST", "/api/users/me/totp/confirm", User(second_factor::confirm))
        .limit(Limit::Password),
    route("GET", "/api/users/me/carddav.mobileconfig", User(profile::carddav_profile)),
    route("GET", "/api/users/me/export", User(exports::account)),
    route("PATCH", "/api/users/avatar", AdminOnly(profile::set_avatar))
        .body(PICTURE)
        .waits(Waits::Core),
    route("DELETE", "/api/users/avatar", AdminOnly(profile::delete_avatar)),
    route("GET", "/avatars/{key}", Anyone(well_known::avatar)),
    // All accounts
    route("GET", "/api/users", AdminOnly(users::list)),
    route("GET", "/api/users/{id}", AdminOnly(users::get)),
    route("PATCH", "/api/users/{id}", AdminOnly(users::set_active)).waits(Waits::Core),
    route("DELETE", "/api/users/{id}", AdminOnly(users::delete)).waits(Waits::Core),
    route("PATCH", "/api/users/{id}/role", AdminOnly(users::set_role)).waits(Waits::Core),
    route("DELETE", "/api/users/{id}/totp", AdminOnly(users::delete_totp)).waits(Waits::Core),
    route("GET", "/api/audit-events", AdminOnly(users::audit_events)),
    // Contacts
    route("POST", "/api/contacts", Contacts(contacts::create)).body(CONTACT),
    route("GET", "/api/contacts", Contacts(lists::list)).waits(Waits::Search),
    route("GET", "/api/contacts/trash", Contacts(trash::list)),
    route("GET", "/api/contacts/birthdays", Contacts(birthdays::list)),
    route("GET", "/api/contacts/export", Contacts(exports::contacts)),
    route("POST", "/api/contacts/import", Contacts(imports::import))
        .limit(Limit::Import)
        .body(FILE),
    route("GET", "/api/contacts/labels", Contacts(labels::list)).waits(Waits::Search),
    route("PATCH", "/api/contacts/labels", Contacts(labels::rename)),
    route("POST", "/api/contacts/bulk", Contacts(bulk::bulk)).body(32 * KIB),
    route("GET", "/api/contacts/duplicates", Contacts(duplicates::list)).waits(Waits::Search),
    route("POST", "/api/contacts/duplicates/dismiss", Contacts(duplicates::dismiss)).body(32 * KIB),
    route("POST", "/api/contacts/merge", Contacts(duplicates::merge)).body(CONTACT),
    route("GET", "/api/contacts/changes", Contacts(changes::list)),
    route("POST", "/api/contacts/rewind", Contacts(history::rewind)),
    route("POST", "/api/contacts/calendar-url", Contacts(calendars::create)),
    route("DELETE", "/api/contacts/calendar-url", Contacts(calendars::delete)),
    route("GET", "/calendars/{secret}.ics", Anyone(calendars::get)),
    route("GET", "/api/contacts/{id}", Contacts(contacts::get)),
    route("PUT", "/api/contacts/{id}", Contacts(contacts::replace)).body(CONTACT),
    route("PATCH", "/api/contacts/{id}", Contacts(contacts::patch)).body(CONTACT),
    route("DELETE", "/api/contacts/{id}", Contacts(contacts::delete)),
    route("POST", "/api/contacts/{id}/restore", Contacts(trash::restore)),
    route("GET", "/api/contacts/{id}/photo", Contacts(photos::get)),
    route("PUT", "/api/contacts/{id}/photo", Contacts(photos::set)).body(PICTURE),
    route("DELETE", "/api/contacts/{id}/photo", Contacts(photos::delete)),
    route("GET", "/api/contacts/{id}/history", Contacts(history::list)),
    route("POST", "/api/contacts/{id}/revert", Contacts(history::revert)),
    // CardDAV
    route("GET", "/.well-known/carddav", Anyone(dav::discovery::well_known)),
    route("PROPFIND", "/.well-known/carddav", Anyone(dav::discovery::well_known)).body(XML),
    route("PROPFIND", "/", Gate::Device(dav::discovery::propfind_root)).limit(Limit::Dav).body(XML),
    device("OPTIONS", dav::discovery::options),
    device("PROPFIND", dav::discovery::propfind),
    device("PROPPATCH", dav::proppatch::proppatch),
    device("REPORT", dav::report::report).body(REPORT),
    device("GET", dav::cards::get),
    device("PUT", dav::cards::put).body(CARD),
    device("DELETE", dav::cards::delete),
    device("MOVE", dav::cards::rename),
    device("MKCOL", dav::report::mkcol),
    // Pages for people
    page("/", doors::welcome),
    page("/login", doors::login),
    form("/login", doors::sign_in).limit(Limit::Login).waits(Waits::Core),
    page("/login/code", doors::code),
    form("/login/code", doors::second_step).limit(Limit::Login),
    form("/logout", doors::sign_out),
    page("/register", doors::register_page),
    form("/register", doors::register).limit(Limit::Register).waits(Waits::Core),
    page("/forgot", doors::forgot),
    form("/forgot", doors::send_reset).limit(Limit::Mail),
    form("/confirmation", doors::send_confirmation).limit(Limit::Mail),
    page("/mailbox", doors::mailbox),
    page("/farewell", settings::farewell),
    page("/contacts", web::contacts::page).waits(Waits::Search),
    form("/contacts/bulk", web::contacts::many).body(CONTACT),
    page("/labels", web::labels::page).waits(Waits::Search),
    form("/labels", web::labels::change),
    page("/contacts/new", edit::new),
    form("/contacts/new", edit::create).body(CAMERA),
    page("/contacts/{id}.vcf", web::contacts::card),
    page("/contacts/{id}", web::contacts::one),
    page("/contacts/{id}/photo", web::contacts::photo),
    page("/contacts/{id}/edit", edit::edit),
    form("/contacts/{id}/edit", edit::save).body(CAMERA),
    form("/contacts/{id}/delete", web::contacts::remove),
    form("/contacts/{id}/revert", web::contacts::back),
    page("/import", files::choose),
    form("/import", files::keep).limit(Limit::Import).body(FILE),
    page("/import/found", files::found).limit(Limit::Preview),
    form("/import/found", files::import).limit(Limit::Preview).body(CONTACT),
    page("/export", files::export),
    page("/export/file", files::download),
    page("/birthdays", web::birthdays::page),
    form("/birthdays/calendar", web::birthdays::create),
    form("/birthdays/calendar/revoke", web::birthdays::revoke),
    page("/duplicates", web::duplicates::page).waits(Waits::Search),
    form("/duplicates/merge", web::duplicates::merge).body(CONTACT),
    form("/duplicates/merge-likely", web::duplicates::merge_likely),
    form("/duplicates/dismiss", web::duplicates::dismiss).body(CONTACT),
    page("/trash", past::trash),
    form("/trash/restore", past::restore).body(CONTACT),
    page("/history", past::history),
    page("/history/rewind", past::ask),
    form("/history/rewind", past::go_back),
    page("/settings", settings::page),
    form("/settings/profile", settings::set_profile),
    form("/settings/email", settings::set_email).limit(Limit::Password).waits(Waits::Core),
    form("/settings/password", settings::set_password).limit(Limit::Password).waits(Waits::Core),
    form("/settings/totp", settings::begin_totp).limit(Limit::Password).waits(Waits::Core),
    page("/settings/totp", settings::totp_page),
    form("/settings/totp/confirm", settings::confirm_totp).limit(Limit::Password),
    form("/settings/totp/off", settings::end_totp).limit(Limit::Password).waits(Waits::Core),
    page("/settings/recovery-codes", settings::recovery_codes),
    form("/settings/sessions/end", settings::end_session),
    form("/settings/sessions/end-all", settings::end_all),
    form("/settings/avatar", settings::set_avatar).body(PICTURE).waits(Waits::Core),
    form("/settings/avatar/delete", settings::delete_avatar),
    page("/settings/export", settings::export),
    form("/settings/delete", settings::delete).limit(Limit::Password).waits(Waits::Core),
    page("/settings/connect", connect::page),
    form("/settings/connect", connect::create).limit(Limit::Password).waits(Waits::Core),
    form("/settings/connect/revoke", connect::revoke),
    page("/settings/carddav.mobileconfig", connect::apple_profile),
    page("/admin", admin::accounts),
    form("/admin/users/{id}", admin::change).waits(Waits::Core),
    page("/admin/events", admin::events),
    // The server itself
    route("GET", "/api/healthchecker", Anyone(ops::healthchecker))
        .limit(Limit::Never)
        .waits(Waits::Briefly),
    route("GET", "/healthz", Anyone(ops::healthz)).limit(Limit::Never).waits(Waits::Never),
    route("GET", "/readyz", Anyone(ops::readyz)).limit(Limit::Never).waits(Waits::Briefly),
    route("GET", "/.well-known/security.txt", Anyone(well_known::security)).waits(Waits::Never),
    route("GET", "/.well-known/change-password", Anyone(well_known::change_password))
        .waits(Waits::Never),
    route("GET", "/openapi.json", Anyone(assets::description)).waits(Waits::Briefly),
    route("GET", "/docs", Anyone(assets::docs)).waits(Waits::Briefly),
    route("GET", "/docs.js", Anyone(assets::docs_script)).waits(Waits::Briefly),
    route("GET", "/docs.css", Anyone(assets::docs_style)).waits(Waits::Briefly),
    route("GET", "/style.css", Anyone(assets::style)).waits(Waits::Briefly),
    route("GET", "/app.js", Anyone(assets::script)).waits(Waits::Briefly),
    route("GET", "/icon.svg", Anyone(assets::icon)).waits(Waits::Briefly),
];

/// The methods that CardDAV does not have. They stand behind the same gate as those that it has, so that 405
/// reveals nothing about the paths of another account.
pub static OTHERS_OF_DAV: Route = device("", dav::not_offered);

/// The routes of a path, one for each verb, and what its placeholders stand for; no routes: the path is unknown. A
/// trailing slash makes no difference. Placeholders never match an empty text.
pub fn find(path: &str) -> (Vec<&'static Route>, Params) {
    let shorter = path.strip_suffix('/');
    let path = shorter.filter(|it| !it.is_empty() && !it.ends_with('/')).unwrap_or(path);
    if let Some(routes) = PLAIN.get(path) {
        return (routes.clone(), Params::new());
    }
    let mut matching =
        ROUTES.iter().filter_map(|route| Some((route.path, pattern::matches(route.path, path)?)));
    let Some((pattern, params)) = matching.next() else { return Default::default() };
    (ROUTES.iter().filter(|route| route.path == pattern).collect(), params)
}

/// The routes without placeholders, which stand before the others.
static PLAIN: LazyLock<HashMap<&'static str, Vec<&'static Route>>> = LazyLock::new(|| {
    let mut plain: HashMap<_, Vec<_>> = HashMap::new();
    for route in ROUTES.iter().filter(|route| !route.path.contains('{')) {
        plain.entry(route.path).or_default().push(route);
    }
    plain
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_makes_no_difference() {
        for path in ["/api/contacts", "/api/contacts/"] {
            assert_eq!(find(path).0.len(), 2, "{path}");
        }
        for unknown in ["/api/contacts//", "//", ""] {
            assert!(find(unknown).0.is_empty(), "{unknown}");
        }
        assert!(!find("/").0.is_empty());
    }

    #[test]
    fn placeholders_are_decoded_and_never_empty() {
        let (_, params) = find("/api/contacts/%37");
        assert_eq!(params, [("id", "7".to_owned())]);
        for unknown in ["/api/auth/confirmed_email/", "/api/contacts/%ff", "/avatars/%00"] {
            assert!(find(unknown).0.is_empty(), "{unknown}");
        }
    }
}
