//! `/settings`: the account, its second factor, its sessions.

use super::form::{Form, Input, PICTURES, alert};
use super::page::{Page, drawing, shell};
use crate::model::user::{Role, User};
use chrono::{DateTime, Utc};
use maud::{Markup, html};

/// A session.
pub struct Session {
    pub id: i64,
    pub device: String,
    pub ip: String,
    pub last_used_at: DateTime<Utc>,
    pub current: bool,
}

/// The account as its owner sees it.
pub struct Account<'a> {
    pub user: &'a User,
    /// Where its picture is.
    pub avatar: &'a str,
    pub totp: bool,
    pub sessions: Vec<Session>,
}

/// The page. `form` holds what was typed into the form named `at`, which had faults.
pub fn page(p: &Page, it: &Account, at: &str, form: &Form) -> Markup {
    let w = p.w;
    let empty = Form::default();
    let typed = |name: &str| if name == at { form } else { &empty };
    let section = |id: &str, title: &str, body: &Markup| {
        html! {
            section class="panel" id=(id) aria-labelledby={ (id) "-title" } {
                h2 id={ (id) "-title" } { (title) }
                @if id == at { (alert(form, |name| !form.get(name).is_empty() || name.contains("password") || ["username", "email", "code"].contains(&name))) }
                (body)
            }
        }
    };
    let body = html! {
        h1 { (w.settings) }
        div class="panels" {
            (section("profile", w.profile, &profile(p, it, typed("profile"))))
            (section("address", w.email, &email(p, it, typed("address"))))
            (section("password", w.password, &password(p, it, typed("password"))))
            (section("totp", w.second_factor, &totp(p, it, typed("totp"))))
            (section("sessions", w.sessions, &sessions(p, it)))
            @if it.user.role == Role::Admin { (section("avatar", w.avatar, &avatar(p, it, typed("avatar")))) }
            (section("phones", w.connect, &html! { p { (w.connect_text) } a class="button main" href="/settings/connect" { (w.connect) } }))
            (section("export", w.export_account, &html! { p { (w.export_account_text) } a class="button" href="/settings/export" { (w.download) } }))
            (section("delete", w.delete_account, &delete(p, typed("delete"))))
        }
    };
    shell(p, w.settings, &html! {}, &body)
}

/// The field that asks for the password again.
pub fn again(p: &Page, form: &Form, id: &str) -> Markup {
    Input { form: id, ..Input::password("password", p.w.password_again, "") }.show(form)
}

fn profile(p: &Page, it: &Account, typed: &Form) -> Markup {
    let w = p.w;
    let mut languages = vec![("", w.language_of_browser)];
    languages.extend_from_slice(super::words::LANGUAGES);
    let mut form = typed.clone();
    if typed.get("username").is_empty() {
        form.set("username", &it.user.username);
        form.set("was", &it.user.username);
        form.set("language", it.user.language.as_deref().unwrap_or_default());
    }
    let fields = html! {
        input type="hidden" name="was" value=(form.get("was"));
        (Input { name: "username", label: w.username, hint: w.username_rules, autocomplete: "username", required: true, form: "profile", ..Input::default() }.show(&form))
        (Input { name: "language", label: w.language, ..Input::default() }.choice(&form, &languages))
        button { (w.save) }
    };
    p.post("/settings/profile", "", &fields)
}

fn email(p: &Page, it: &Account, form: &Form) -> Markup {
    let w = p.w;
    let fields = html! {
        p { (w.email_is) " " strong { bdi { (it.user.email) } } ". " (w.email_change_text) }
        (Input::email(w.new_email).show(form))
        (again(p, form, "address"))
        button { (w.send_link) }
    };
    p.post("/settings/email", "", &fields)
}

fn password(p: &Page, it: &Account, form: &Form) -> Markup {
    let w = p.w;
    let fields = html! {
        // For password managers: whose password this is. It is not sent.
        input autocomplete="username" value=(it.user.username) aria-label=(w.username) hidden;
        (Input::password("current_password", w.current_password, "").show(form))
        (Input::password("new_password", w.new_password, w.password_rules).show(form))
        label class="line" { input type="checkbox" name="keep_app_passwords" value="true" checked[!form.get("keep_app_passwords").is_empty()]; " " (w.keep_app_passwords) }
        button { (w.save_password) }
    };
    p.post("/settings/password", "", &fields)
}

fn totp(p: &Page, it: &Account, form: &Form) -> Markup {
    let w = p.w;
    if it.totp {
        let fields = html! {
            p { (w.totp_on) }
            (again(p, form, "totp"))
            (Input::code(w.code, w.code_hint).show(form))
            button class="danger" { (w.totp_switch_off) }
        };
        return p.post("/settings/totp/off", "", &fields);
    }
    p.post(
        "/settings/totp",
        "",
        &html! { p { (w.totp_text) } (again(p, form, "totp")) button { (w.totp_switch_on) } },
    )
}

/// The second factor, before its first code: the QR code and the secret in letters.
pub fn totp_setup(p: &Page, qr: &str, form: &Form) -> Markup {
    let w = p.w;
    let fields = html! {
        (alert(form, |name| name == "code"))
        input type="hidden" name="secret" value=(form.get("secret"));
        input type="hidden" name="uri" value=(form.get("uri"));
        (Input { inputmode: "numeric", focus: true, ..Input::code(w.code, w.totp_code_hint) }.show(form))
        button class="main" { (w.totp_switch_on) }
    };
    let body = html! {
        h1 { (w.second_factor) }
        div class="panel" {
            p { (w.totp_scan) }
            div class="qr" role="img" aria-label=(w.qr) { (drawing(qr)) }
            p class="hint" { (w.totp_by_hand) " " code { (form.get("secret")) } }
            (p.post("/settings/totp/confirm", "", &fields))
        }
    };
    shell(p, w.second_factor, &html! {}, &body)
}

/// The recovery codes, once.
pub fn recovery_codes(p: &Page, codes: &[String]) -> Markup {
    let w = p.w;
    let body = html! {
        h1 { (w.recovery_codes) }
        div class="panel" {
            p { strong { (w.totp_on) } " " (w.recovery_text) }
            ol class="codes" { @for code in codes { li { code { (code) } } } }
            div class="acts" { button type="button" class="script" data-print { (w.print) } a class="button main" href="/settings#totp" { (w.done) } }
        }
    };
    shell(p, w.recovery_codes, &html! {}, &body)
}

fn sessions(p: &Page, it: &Account) -> Markup {
    let w = p.w;
    html! {
        ul class="things" {
            @for session in &it.sessions {
                li {
                    div {
                        strong { bdi { (session.device) } } @if session.current { " " span class="tag good" { (w.this_one) } }
                        p class="soft" { bdi { (session.ip) } " · " (w.last_used) " " (p.time(session.last_used_at)) }
                    }
                    (p.button("/settings/sessions/end", "", w.end, &[("id", &session.id.to_string())]))
                }
            }
        }
        (p.button("/settings/sessions/end-all", "danger", w.end_all, &[]))
    }
}

fn avatar(p: &Page, it: &Account, form: &Form) -> Markup {
    let w = p.w;
    let fields = html! {
        (Input { name: "file", label: w.file, required: true, ..Input::default() }.file(form, PICTURES))
        button { (w.save) }
    };
    html! {
        img class="face large" src=(it.avatar) alt="" width="96" height="96";
        (p.post_file("/settings/avatar", "", &fields))
        @if it.user.avatar_key.is_some() { (p.button("/settings/avatar/delete", "", w.avatar_default, &[])) }
    }
}

fn delete(p: &Page, form: &Form) -> Markup {
    let w = p.w;
    p.post("/settings/delete", "", &html! { p { (w.delete_account_text) } (again(p, form, "delete")) button class="danger" { (w.delete_account) } })
}
