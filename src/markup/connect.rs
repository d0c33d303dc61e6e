//! `/settings/connect`: a phone, a mail program, a script.

use super::birthdays::secret;
use super::form::{Form, Input, alert};
use super::page::{Page, drawing, next_page, shell};
use super::settings::again;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

/// An app password.
pub struct AppPassword {
    pub id: i64,
    pub name: String,
    pub scope: String,
    pub created_at: DateTime<Utc>,
    pub last_used: Option<(DateTime<Utc>, String)>,
}

/// A new app password, shown once.
pub struct Fresh {
    pub name: String,
    pub scope: String,
    pub secret: String,
    /// Of the server's address, as an SVG.
    pub qr: String,
    /// The address of the book, for programs that do not find it by themselves.
    pub book: String,
}

/// The page.
pub fn page(
    p: &Page,
    server: &str,
    username: &str,
    passwords: &[AppPassword],
    fresh: Option<&Fresh>,
    form: &Form,
    next: Option<&str>,
) -> Markup {
    let w = p.w;
    let body = html! {
        h1 { (w.connect) }
        @match fresh {
            Some(fresh) => (new_one(p, server, username, fresh)),
            None => { p class="lead" { (w.connect_lead) } (make(p, form)) },
        }
        @if !passwords.is_empty() { (list(p, passwords)) }
        (next_page(p, "/settings/connect", next))
    };
    shell(p, w.connect, &html! {}, &body)
}

fn make(p: &Page, form: &Form) -> Markup {
    let w = p.w;
    let scopes = [("carddav", w.scope_carddav), ("read", w.scope_read), ("write", w.scope_write)];
    let fields = html! {
        (alert(form, |name| ["name", "scope", "password"].contains(&name)))
        (Input { name: "name", label: w.device_name, hint: w.device_name_hint, required: true, ..Input::default() }.show(form))
        (Input { name: "scope", label: w.scope, ..Input::default() }.choice(form, &scopes))
        (again(p, form, ""))
        button class="main" { (w.make_app_password) }
    };
    p.post("/settings/connect", "panel", &fields)
}

fn new_one(p: &Page, server: &str, username: &str, fresh: &Fresh) -> Markup {
    let w = p.w;
    let phone = fresh.scope == "carddav";
    let steps = [
        ("iPhone, iPad", w.steps_ios),
        ("Android (DAVx⁵)", w.steps_android),
        ("Thunderbird", w.steps_thunderbird),
        ("Evolution", w.steps_evolution),
    ];
    html! {
        div class="panel" {
            h2 { (fresh.name) }
            p { (w.fresh_text) }
            div class="two" {
                div {
                    (secret(w, "server", w.server_address, server))
                    (secret(w, "user", w.username, username))
                    (secret(w, "secret", w.app_password, &fresh.secret))
                    p class="hint" { (w.shown_once) }
                }
                @if phone { div class="qr" role="img" aria-label=(w.qr) { (drawing(&fresh.qr)) } }
            }
            @if phone {
                @for (name, words) in steps {
                    details { summary { (name) } ol { @for step in words.split('|') { li { (step) } } }
                        @if name.starts_with("iPhone") { p { a class="button" href="/settings/carddav.mobileconfig" { (w.profile_download) } } }
                    }
                }
            }
            details { summary { "Fritz!Box" } (secret(w, "book", w.book_address, &fresh.book)) }
            p { a class="button main" href="/contacts" { (w.done) } }
        }
    }
}

fn list(p: &Page, passwords: &[AppPassword]) -> Markup {
    let w = p.w;
    html! {
        section class="panel" {
            h2 { (w.app_passwords) }
            ul class="things" {
                @for it in passwords {
                    li {
                        div {
                            strong { bdi { (it.name) } } " " span class="tag" { (w.member(&format!("scope_{}", it.scope))) }
                            p class="soft" {
                                (w.created) " " (p.time(it.created_at)) " · "
                                @match &it.last_used {
                                    Some((at, ip)) => { (w.last_used) " " (p.time(*at)) ", " bdi { (ip) } },
                                    None => (w.never_used),
                                }
                            }
                        }
                        (p.button("/settings/connect/revoke", "", w.revoke, &[("id", &it.id.to_string())]))
                    }
                }
            }
        }
    }
}
