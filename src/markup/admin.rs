//! `/admin`: accounts, audit events, the mail queue, health.

use super::form::{Form, Input};
use super::page::{Page, face, next_page, shell, some};
use super::queries::query;
use crate::model::user::{Role, User};
use chrono::{DateTime, Utc};
use maud::{Markup, html};

/// An account that an event names: its id, and the username if it is there still. A username may be a number.
pub type Account = (i64, Option<String>);

/// An audit event.
pub struct Event {
    pub at: DateTime<Utc>,
    pub action: String,
    pub actor: Option<Account>,
    pub user: Option<Account>,
    pub ip: String,
}

/// How the server is.
pub struct Health {
    pub version: &'static str,
    pub redis: &'static str,
    /// Mails that wait, and that failed so far.
    pub mails_waiting: i64,
    pub mails_failing: i64,
}

/// A page of a list with its filters.
pub struct Slice<'a> {
    pub search: &'a str,
    pub role: &'a str,
    pub total: i64,
    /// The query of this page, and of the next one.
    pub query: String,
    pub next: Option<String>,
}

/// `/admin`
pub fn accounts(p: &Page, health: &Health, accounts: &[User], slice: &Slice) -> Markup {
    let w = p.w;
    let roles = [("", w.all), ("user", w.role_user), ("admin", w.role_admin)];
    let body = html! {
        h1 { (w.admin) }
        // Without Postgres there is no such page.
        dl class="health" {
            @for (name, value) in [(w.version, health.version), ("Postgres", "ok"), ("Redis", health.redis)] { div { dt { (name) } dd { (value) } } }
            div { dt { (w.mails) } dd { (w.n(w.n_waiting, health.mails_waiting)) ", " (w.n(w.n_failing, health.mails_failing)) } }
        }
        div class="head" { h2 { (w.accounts) " " small class="soft" { (w.number(slice.total)) } } a class="button" href="/admin/events" { (w.events) } }
        form class="filter" action="/admin" {
            input type="search" name="search" aria-label=(w.search_accounts) placeholder=(w.search_accounts) value=(slice.search);
            select name="role" aria-label=(w.role) { @for (value, name) in roles { option value=(value) selected[value == slice.role] { (name) } } }
            button { (w.key_search) }
        }
        ul class="things" { @for account in accounts { (one(p, account, &slice.query)) } }
        @if accounts.is_empty() { div class="empty" { h2 { (w.nothing_found) } } }
        (next_page(p, "/admin", slice.next.as_deref()))
    };
    shell(p, w.admin, &html! {}, &body)
}

/// `here`: the query of the page that this is on.
fn one(p: &Page, it: &User, here: &str) -> Markup {
    let w = p.w;
    let id = it.id.to_string();
    let act = |action: &str, label: &str, class: &str| html! { button name="action" value=(action) class=(class) { (label) } };
    // The list to come back to, unless its address is too long to stand in each of its forms.
    let acts = html! {
        @if let Some(query) = some(here).filter(|query| query.len() < 200) { input type="hidden" name="query" value=(query); }
        @if it.role == Role::Admin { (act("user", w.make_user, "plain")) } @else { (act("admin", w.make_admin, "plain")) }
        @if it.is_active { (act("disable", w.disable, "plain")) } @else { (act("enable", w.enable, "plain")) }
        (act("reset-totp", w.reset_totp, "plain"))
        a href={ "/admin/events?" (query(&[("user_id", &id)])) } { (w.events) }
        (act("delete", w.delete, "plain danger"))
    };
    html! {
        li {
            (face(it.id, &it.username, None, ""))
            div {
                strong { (it.username) }
                @if it.role == Role::Admin { " " span class="tag good" { (w.role_admin) } }
                @if !it.is_active { " " span class="tag bad" { (w.disabled) } }
                @if !it.is_verified { " " span class="tag" { (w.unconfirmed) } }
                p class="soft" { bdi { (it.email) } " · " (w.created) " " (p.time(it.created_at)) }
            }
            details class="pop" {
                summary aria-label={ (w.change) ": " (it.username) } { (w.change) }
                (p.post(&format!("/admin/users/{id}"), "drop", &acts))
            }
        }
    }
}

/// `/admin/events`. `actions`: those that there are, to choose from.
pub fn events(
    p: &Page,
    events: &[Event],
    user: &str,
    (action, actions): (&str, &[&str]),
    next: Option<&str>,
) -> Markup {
    let w = p.w;
    let body = html! {
        h1 { (w.events) }
        form class="filter" action="/admin/events" {
            input type="number" name="user_id" min="1" aria-label=(w.account_number) placeholder=(w.account_number) value=(user);
            select name="action" aria-label=(w.action) {
                option value="" { (w.action) ": " (w.all) }
                @for word in actions { option value=(word) selected[*word == action] { (happened(w, word)) } }
            }
            button { (w.key_search) }
        }
        @if events.is_empty() { div class="empty" { h2 { (w.nothing_found) } } } @else {
            div class="scroll" tabindex="0" role="region" aria-label=(w.events) {
                table class="list" {
                    thead { tr { th { (w.when) } th { (w.action) } th { (w.account) } th { (w.by) } th { "IP" } } }
                    tbody {
                        @for it in events {
                            tr {
                                td { (p.time(it.at)) } td { (happened(w, &it.action)) } td { (account(it.user.as_ref())) }
                                td { (account(it.actor.as_ref())) } td { bdi { (it.ip) } }
                            }
                        }
                    }
                }
            }
        }
        (next_page(p, "/admin/events", next))
    };
    shell(p, w.events, &html! {}, &body)
}

/// The word of an event as the reader's language has it.
fn happened(w: &super::words::Words, action: &str) -> String {
    w.sentence(&action.replace('_', " ")).trim_end_matches('.').to_owned()
}

fn account(it: Option<&Account>) -> Markup {
    html! {
        @if let Some((id, name)) = it {
            a href={ "/admin/events?user_id=" (id) } { @match name { Some(name) => (name), None => { "#" (id) } } }
        } @else { "–" }
    }
}

/// Asks before an account is deleted; and for the password, when an admin signed in long ago.
/// `back`: where the list is that it came from.
pub fn sure(p: &Page, it: &User, form: &Form, back: &str) -> Markup {
    let w = p.w;
    let action = form.get("action");
    let deletes = action == "delete";
    let password = Input::password("password", w.password_if_long_ago, "");
    let password = Input { required: false, ..password };
    let fields = html! {
        @if deletes { p { (w.delete_account_text) } }
        input type="hidden" name="action" value=(action);
        input type="hidden" name="sure" value="1";
        input type="hidden" name="query" value=(form.get("query"));
        (password.show(form))
        div class="acts" {
            button class=(if deletes { "danger" } else { "main" }) { (if deletes { w.delete } else { w.go_on }) }
            a class="button" href=(back) { (w.cancel) }
        }
    };
    let body = html! {
        h1 { (if deletes { w.delete } else { w.change }) ": " bdi { (it.username) } }
        (p.post(&format!("/admin/users/{}", it.id), "panel", &fields))
    };
    shell(p, w.change, &html! {}, &body)
}
