//! `/contacts/{id}`: everything that a card says.

use super::list::{mailto, tel};
use super::page::{Page, cut, face, fitting, lines, next_page, shell, some};
use super::queries::{link as link_to, query};
use chrono::{DateTime, NaiveDate, Utc};
use maud::{Markup, html};
use unicode_normalization::char::is_combining_mark;
use vcard::{Address, Details, PartialDate};

/// Bytes of the history on a page, and of a name in it.
const PAST: usize = 5_000;
const NAME: usize = 200;

/// A contact and what is known of it.
pub struct Shown<'a> {
    pub id: i64,
    pub details: &'a Details,
    pub has_photo: bool,
    pub next_birthday: Option<Birthday>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// By what it was last changed: `iPhone`, `Firefox`; empty when that is not known any more.
    pub changed_by: &'a str,
    pub history: &'a [Change],
    /// There are no others.
    pub all: bool,
    /// They are not the newest ones: these were on an earlier page.
    pub later: bool,
    /// Shown as it was before this change, and not as it is.
    pub then: Option<&'a Change>,
}

/// The next time that somebody has a birthday.
pub struct Birthday {
    pub date: NaiveDate,
    pub days: i64,
    pub turns: Option<i32>,
}

/// A change that there was.
#[derive(Clone)]
pub struct Change {
    pub revision: i64,
    pub at: DateTime<Utc>,
    pub by: String,
    /// The name before it; none: the contact was made by it.
    pub name: Option<String>,
}

/// The page.
pub fn page(p: &Page, c: &Shown) -> Markup {
    let w = p.w;
    let d = c.details;
    let title = d.display_name.as_str();
    let body = html! {
        article class="contact" {
            @match c.then { Some(change) => (as_it_was(p, c, change)), None => {} }
            div class="who" {
                (face(c.id, title, c.has_photo.then(|| format!("/contacts/{}/photo", c.id)).as_deref(), "large"))
                div {
                    h1 { bdi { (title) } }
                    @if let Some(nickname) = &d.nickname { p class="soft" { (w.quotes()[0]) bdi { (nickname) } (w.quotes()[1]) } }
                    @if let Some(job) = job(d) { p { bdi { (job) } } }
                    @if !d.labels.is_empty() {
                        ul class="chips" { @for label in &d.labels { li { a href={ "/contacts?" (link_to(&[("label", label)])) } { (label) } } } }
                    }
                }
                @if c.then.is_none() { (actions(p, c.id)) }
            }
            (facts(p, c))
            p class="soft small" {
                (w.changed) " " (p.time(c.updated_at))
                @if !c.changed_by.is_empty() { " · " (c.changed_by) }
                br;
                (w.created) " " (p.time(c.created_at))
            }
            @if c.then.is_none() { (history(p, c)) }
        }
    };
    shell(p, title, &html! {}, &body)
}

fn job(d: &Details) -> Option<String> {
    let parts = [&d.job_title, &d.department, &d.organization];
    let parts: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
    Some(parts.join(" · ")).filter(|job| !job.is_empty())
}

fn actions(p: &Page, id: i64) -> Markup {
    let w = p.w;
    html! {
        div class="acts" {
            a class="button main" href={ "/contacts/" (id) "/edit" } aria-keyshortcuts="e" { (w.edit) }
            a class="button" href={ "/contacts/" (id) ".vcf" } { (w.export) }
            (p.button(&format!("/contacts/{id}/delete"), "danger", w.delete, &[]))
        }
    }
}

fn as_it_was(p: &Page, c: &Shown, change: &Change) -> Markup {
    let w = p.w;
    html! {
        div class="flash" role="status" {
            p { (w.as_it_was) " " (p.time(change.at)) " (" (change.by) ")" }
            (p.button(&format!("/contacts/{}/revert", c.id), "undo", w.revert, &[("revision", &change.revision.to_string())]))
            a class="undo" href={ "/contacts/" (c.id) } { (w.as_it_is) }
        }
    }
}

/// A line of the list of facts: what, with which label, and whether it is the main one.
fn fact(p: &Page, what: &str, label: Option<&str>, main: bool, value: &Markup) -> Markup {
    html! {
        div {
            dt { (what) @if let Some(label) = label { " " span class="soft" { (p.w.label_name(label)) } } }
            dd { (value) @if main { " " small class="tag" { (p.w.primary) } } }
        }
    }
}

fn facts(p: &Page, c: &Shown) -> Markup {
    let w = p.w;
    let d = c.details;
    let main = |primary: bool, many: usize| primary && many > 1;
    html! {
        dl class="facts" {
            @for it in &d.phones {
                (fact(p, w.phone, it.label.as_deref(), main(it.primary, d.phones.len()), &html! { a href=(tel(&it.value)) { bdi { (it.value) } } }))
            }
            @for it in &d.emails {
                (fact(p, w.email, it.label.as_deref(), main(it.primary, d.emails.len()), &html! { a href=(mailto(&it.value)) { bdi { (it.value) } } }))
            }
            @for it in &d.addresses {
                (fact(p, w.address, it.label.as_deref(), main(it.primary, d.addresses.len()), &address(p, it)))
            }
            @if let Some(birthday) = d.birthday { (fact(p, w.birthday, None, false, &birthday_line(p, birthday, c.next_birthday.as_ref()))) }
            @for it in &d.dates { (fact(p, w.date, it.label.as_deref(), false, &html! { (partial(p, it.value)) })) }
            @for it in &d.urls { (fact(p, w.url, it.label.as_deref(), false, &link(&it.value))) }
            @for it in &d.online {
                (fact(p, it.service.as_deref().unwrap_or(w.online), it.label.as_deref(), false, &html! { bdi { (it.value) } }))
            }
            @for it in &d.relations { (fact(p, w.relation, it.label.as_deref(), false, &html! { bdi { (it.value) } })) }
            @if let Some(note) = &d.additional_data { (fact(p, w.additional_data, None, false, &html! { bdi { (lines(note)) } })) }
        }
    }
}

/// Only what a browser opens as a page becomes a link: a card may hold `javascript:`. Most people write `example.org`.
pub fn link(value: &str) -> Markup {
    let lower = value.to_ascii_lowercase();
    let whole = lower.starts_with("https://") || lower.starts_with("http://");
    let host = lower.split('/').next().unwrap_or_default();
    let in_host = |c: char| c.is_alphanumeric() || "-.".contains(c) || is_combining_mark(c);
    let is_host = host.trim_matches('.').contains('.') && host.chars().all(in_host);
    let before = if whole { "" } else { "https://" };
    html! {
        @if whole || is_host { a href={ (before) (value) } rel="noreferrer noopener" { (value) } } @else { (value) }
    }
}

/// The lines of an address, from the street to the country.
fn address_lines(it: &Address) -> Vec<String> {
    let join = |parts: [&Option<String>; 2]| {
        let parts: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
        Some(parts.join(" ")).filter(|line| !line.is_empty())
    };
    let lines = [
        it.street.clone(),
        it.extended.clone(),
        it.po_box.clone(),
        join([&it.postal_code, &it.city]),
        it.region.clone(),
        it.country.clone(),
    ];
    lines.into_iter().flatten().collect()
}

fn address(p: &Page, it: &Address) -> Markup {
    let lines = address_lines(it);
    let map =
        format!("https://www.openstreetmap.org/search?{}", query(&[("query", &lines.join(", "))]));
    html! {
        bdi { @for (at, line) in lines.iter().enumerate() { @if at > 0 { br; } (line) } }
        br; a href=(map) rel="noreferrer noopener" class="small" { (p.w.map) }
    }
}

/// A date, the year if it is known.
pub fn partial(p: &Page, date: PartialDate) -> String {
    match date.year.and_then(|year| NaiveDate::from_ymd_opt(year, date.month, date.day)) {
        Some(date) => p.date(date),
        None => p.month_day(date.month, date.day),
    }
}

fn birthday_line(p: &Page, birthday: PartialDate, next: Option<&Birthday>) -> Markup {
    html! {
        (partial(p, birthday))
        @if let Some(next) = next { br; span class="soft" { (coming(p, next)) } }
    }
}

/// `turns 43 in 92 days`.
pub fn coming(p: &Page, next: &Birthday) -> String {
    let w = p.w;
    let when = match next.days {
        0 => w.today.to_owned(),
        1 => w.tomorrow.to_owned(),
        days => w.n(w.in_days, days),
    };
    match next.turns {
        Some(age) => format!("{}, {when}", w.n(w.turns, i64::from(age))),
        None => when,
    }
}

fn history(p: &Page, c: &Shown) -> Markup {
    let w = p.w;
    if c.history.is_empty() {
        return html! {};
    }
    let change = |change: &Change| {
        html! {
            li {
                (p.time(change.at)) " · " (change.by)
                @match &change.name {
                    Some(name) => { " · " a href={ "/contacts/" (c.id) "?then=" (change.revision) } { (w.as_it_was_before) @if name != &c.details.display_name { ": " (cut(name, NAME)) } } },
                    None => { " · " (w.created) },
                }
            }
        }
    };
    let shown = fitting(c.history.iter().map(change), PAST);
    let last = c.history.get(shown.len().saturating_sub(1)).filter(|it| it.name.is_some());
    let next = last.filter(|_| !c.all || shown.len() < c.history.len());
    let next = next.map(|last| format!("before={}", last.revision));
    html! {
        details class="past" open[c.later] {
            summary { (w.history) }
            ol { @for change in shown { (change) } }
            (next_page(p, &format!("/contacts/{}", c.id), next.as_deref()))
        }
    }
}

/// Something to show in place of an empty text.
pub fn or_dash(text: &str) -> &str {
    some(text).unwrap_or("–")
}
