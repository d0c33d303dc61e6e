//! `/birthdays`: the coming twelve months, and the calendar's secret address.

use super::contact::{Birthday, coming};
use super::page::{Page, cut, face, next_page, share, shell};
use super::words::Words;
use chrono::Datelike;
use maud::{Markup, html};

/// Bytes of the names on a page; longer ones are cut.
const TEXTS: usize = 4_000;

/// Somebody with a birthday.
pub struct Row {
    pub id: i64,
    pub name: String,
    pub has_photo: bool,
    pub next: Birthday,
}

/// What is known of the calendar's address.
#[derive(Default)]
pub struct Calendar {
    /// There is one.
    pub exists: bool,
    /// It was just made: this is the only time that it can be shown.
    pub url: Option<String>,
}

/// The page. `next` is the query of the next one.
pub fn page(p: &Page, rows: &[Row], calendar: &Calendar, next: Option<&str>) -> Markup {
    let w = p.w;
    let most = share(rows.iter().map(|row| &*row.name), TEXTS);
    let body = html! {
        h1 { (w.birthdays) }
        div class="two" {
            div {
                @if rows.is_empty() { div class="empty" { h2 { (w.no_birthdays) } p class="soft" { (w.no_birthdays_text) } } }
                @for month in rows.chunk_by(|a, b| (a.next.date.year(), a.next.date.month()) == (b.next.date.year(), b.next.date.month())) {
                    section {
                        @if let Some(first) = month.first() { h2 { (p.month(first.next.date)) } }
                        ul class="rows days" { @for row in month { (one(p, row, most)) } }
                    }
                }
                (next_page(p, "/birthdays", next))
            }
            (calendar_panel(p, calendar))
        }
    };
    shell(p, w.birthdays, &html! {}, &body)
}

/// `most`: bytes of the name.
fn one(p: &Page, row: &Row, most: usize) -> Markup {
    let photo = row.has_photo.then(|| format!("/contacts/{}/photo", row.id));
    html! {
        li {
            span class="date" { (p.weekday(row.next.date)) " " strong { (row.next.date.day()) } }
            (face(row.id, &row.name, photo.as_deref(), ""))
            a class="name" href={ "/contacts/" (row.id) } { bdi { (cut(&row.name, most)) } }
            span class="about" { (coming(p, &row.next)) }
        }
    }
}

fn calendar_panel(p: &Page, calendar: &Calendar) -> Markup {
    let w = p.w;
    let programs = [
        ("Google", w.in_google),
        ("Apple", w.in_apple),
        ("Outlook", w.in_outlook),
        ("Thunderbird", w.in_thunderbird),
    ];
    html! {
        section class="panel" id="calendar" {
            h2 { (w.calendar) }
            p { (w.calendar_text) }
            @if let Some(url) = &calendar.url { (secret(w, "calendar-url", w.calendar_url, url)) p class="hint" { (w.shown_once) } }
            div class="acts" {
                @if calendar.exists {
                    (p.button("/birthdays/calendar", "", w.renew, &[]))
                    (p.button("/birthdays/calendar/revoke", "danger", w.revoke, &[]))
                } @else {
                    (p.button("/birthdays/calendar", "main", w.make_url, &[]))
                }
            }
            @for (name, text) in programs { details { summary { (name) } p { (text) } } }
        }
    }
}

/// Something secret that is shown once, to be copied.
pub fn secret(w: &Words, id: &str, label: &str, text: &str) -> Markup {
    html! {
        div class="field secret" {
            label for=(id) { (label) }
            div class="pair" {
                output id=(id) { (text) }
                button type="button" class="script" data-copy=(id) data-copied=(w.copied) { (w.copy) }
            }
        }
    }
}
