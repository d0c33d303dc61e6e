//! Pages before somebody is signed in, and those behind mailed links.

use super::form::{Form, Input, alert};
use super::page::{Page, bare, cut, framed};
use maud::{Markup, html};

/// What a dead link was for, and so which mail to offer anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLink {
    /// To confirm an address.
    Confirm,
    /// To choose a new password.
    Reset,
}

/// Set in the form of a user who may sign in once the address is confirmed.
pub const UNCONFIRMED: &str = "unconfirmed";
const NEEDS_COOKIE: &str = "Are you asked again after signing in? Then your browser refuses the cookie that keeps you signed in.";

/// `/`
pub fn welcome(p: &Page, registration: bool) -> Markup {
    let w = p.w;
    bare(
        p,
        w.welcome,
        &html! {
            p class="lead" { (w.what_this_is) }
            (login_form(p, &Form::default(), false))
            (ways(p, registration, false))
        },
    )
}

/// `/login`
pub fn login(p: &Page, form: &Form, registration: bool) -> Markup {
    let unconfirmed = form.has(UNCONFIRMED);
    bare(
        p,
        p.w.sign_in,
        &html! { (login_form(p, form, true)) (ways(p, registration, unconfirmed)) },
    )
}

fn login_form(p: &Page, form: &Form, focus: bool) -> Markup {
    let w = p.w;
    let next = form.get("next");
    p.post(
        "/login",
        "",
        &html! {
            (alert(form, |_| false))
            (Input { name: "username", label: w.username_or_email, autocomplete: "username", required: true, focus, ..Input::default() }.show(form))
            (Input::password("password", w.password, "").show(form))
            @if !next.is_empty() { input type="hidden" name="next" value=(next); }
            button class="main" { (w.sign_in) }
            // Whoever refuses cookies is sent here from each page.
            @if !next.is_empty() { p class="soft" { (w.sentence(NEEDS_COOKIE)) } }
        },
    )
}

fn ways(p: &Page, registration: bool, unconfirmed: bool) -> Markup {
    let w = p.w;
    html! {
        ul class="ways" {
            @if unconfirmed { li { a href="/forgot#confirm-email" { (w.no_confirmation) } } }
            @if registration { li { a href="/register" { (w.register) } } }
            li { a href="/forgot" { (w.forgot) } }
            li { a href="/docs" { (w.for_programs) } }
        }
    }
}

/// The second factor, on a page of its own. `ticket` stands for the password that was right.
pub fn code(p: &Page, form: &Form) -> Markup {
    let w = p.w;
    let code = Input { inputmode: "text", focus: true, ..Input::code(w.code, w.code_hint) };
    let fields = html! {
        (alert(form, |name| name == "code"))
        input type="hidden" name="ticket" value=(form.get("ticket"));
        input type="hidden" name="next" value=(form.get("next"));
        (code.show(form))
        button class="main" { (w.sign_in) }
    };
    bare(p, w.second_factor, &p.post("/login/code", "", &fields))
}

/// `/register`
pub fn register(p: &Page, form: &Form) -> Markup {
    let w = p.w;
    let shown = |name: &str| ["username", "email", "password"].contains(&name);
    let fields = html! {
        (alert(form, shown))
        (Input { name: "username", label: w.username, hint: w.username_rules, autocomplete: "username", required: true, focus: true, ..Input::default() }.show(form))
        (Input::email(w.your_email).show(form))
        (Input::password("password", w.password, w.password_rules).show(form))
        button class="main" { (w.register) }
    };
    bare(
        p,
        w.register,
        &html! { (p.post("/register", "", &fields)) ul class="ways" { li { a href="/login" { (w.have_account) } } } },
    )
}

/// `/forgot`: a link for a new password, or for an address that was never confirmed.
pub fn forgot(p: &Page, form: &Form) -> Markup {
    let w = p.w;
    let email = |id| Input { form: id, ..Input::email(w.your_email) };
    bare(
        p,
        w.forgot,
        &html! {
            p { (w.forgot_text) }
            (p.post("/forgot", "", &html! { (alert(form, |name| name == "email")) (email("reset").show(form)) button class="main" { (w.send_link) } }))
            details {
                summary { (w.no_confirmation) }
                (p.post("/confirmation", "", &html! { (email("confirm").show(&Form::default())) button { (w.send_link) } }))
            }
        },
    )
}

/// The second form of that page, by itself: it had a fault.
pub fn no_confirmation(p: &Page, form: &Form) -> Markup {
    let w = p.w;
    let email = Input::email(w.your_email).show(form);
    let fields = html! { (alert(form, |name| name == "email")) (email) button class="main" { (w.send_link) } };
    bare(p, w.no_confirmation, &p.post("/confirmation", "", &fields))
}

/// Behind the link that confirms an address; what its button says is in the language of this page. One button, because mail scanners follow links but
/// press nothing. `username` and `email` say whose address it becomes.
pub fn confirm(p: &Page, token: &str, username: &str, email: &str) -> Markup {
    let w = p.w;
    let fields = html! { input type="hidden" name="token" value=(token); button class="main" { (w.confirm_button) } };
    bare(
        p,
        w.confirm_title,
        &html! {
            p { (w.confirm_text) }
            dl class="facts" { dt { (w.username) } dd { (username) } dt { (w.email) } dd { (email) } }
            (p.post(&format!("/api/auth/confirm-email?lang={}", w.lang), "", &fields))
        },
    )
}

/// Behind the link of a forgotten password. The field has no `maxlength`: browsers would cut a
/// longer password without a word when it is pasted, and its owner could never sign in with it.
pub fn reset(p: &Page, token: &str, form: &Form) -> Markup {
    let w = p.w;
    let password = Input::password("new_password", w.new_password, w.password_rules);
    let password = Input { focus: true, ..password };
    let fields = html! {
        input type="hidden" name="token" value=(token);
        (password.show(form))
        button class="main" { (w.save_password) }
    };
    bare(
        p,
        w.new_password,
        &p.post(&format!("/api/auth/reset-password?lang={}", w.lang), "", &fields),
    )
}

/// A message with the way to the sign-in page.
pub fn done(p: &Page, title: &str, text: &str) -> Markup {
    bare(
        p,
        title,
        &html! { p role="status" { (text) } p { a class="button main" href="/login" { (p.w.sign_in) } } },
    )
}

/// A link that is wrong, used or too old; offers the next step.
pub fn dead_link(p: &Page, link: DeadLink) -> Markup {
    let w = p.w;
    let (text, action) = match link {
        DeadLink::Confirm => (w.dead_confirm, "/confirmation"),
        DeadLink::Reset => (w.dead_reset, "/forgot"),
    };
    let fields = html! { (Input::email(w.your_email).show(&Form::default())) button class="main" { (w.send_link) } };
    bare(p, w.dead_link, &html! { p { (text) } (p.post(action, "", &fields)) })
}

/// A form that came from another origin: mostly from a page of ours that was opened by another name of this machine, or
/// by its number. `link`: where that page belongs.
pub fn other_address(p: &Page, from: Option<&str>, link: &str, request_id: &str) -> Markup {
    let parts: Vec<_> = p.w.other_address.split('|').collect();
    let [title, came_from, unnamed, what_to_do, for_operators] = parts[..] else { return html! {} };
    let reason = from.map_or(unnamed.to_owned(), |from| came_from.replace("{}", &cut(from, 200)));
    let body = html! {
        p { (reason) " " (what_to_do) }
        p { a class="button main" href=(link) { (cut(link, 200)) } }
        p { (for_operators) }
        p class="soft" { (p.w.request) " " (request_id) }
    };
    framed(p, title, &body)
}

/// Any other error. `way`: where to go from here. `request_id` helps whoever runs the server to find it in the log.
pub fn error(
    p: &Page,
    title: &str,
    detail: &str,
    (href, label): (&str, &str),
    request_id: &str,
) -> Markup {
    let body = html! {
        p { (detail) }
        p { a class="button" href=(href) { (label) } }
        p class="soft" { (p.w.request) " " (request_id) }
    };
    framed(p, title, &body)
}
