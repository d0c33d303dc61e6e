//! `/trash` and `/history`: what was, and the way back.

use super::page::{Page, cut, icon, next_page, share, shell};
use super::queries::query;
use chrono::{DateTime, Utc};
use maud::{Markup, html};

/// Bytes of the names on a page; longer ones are cut.
const TEXTS: usize = 6_000;

/// Contacts that were deleted by one program, one soon after the other.
pub struct Batch {
    /// When the last of them was.
    pub at: DateTime<Utc>,
    pub by: String,
    /// All of them are here, none on another page.
    pub whole: bool,
    /// id and name.
    pub contacts: Vec<(i64, String)>,
}

/// `/trash`
pub fn trash(p: &Page, batches: &[Batch], total: i64, next: Option<&str>) -> Markup {
    let w = p.w;
    let names = batches.iter().flat_map(|batch| batch.contacts.iter().map(|(_, name)| &**name));
    let most = share(names, TEXTS);
    let body = html! {
        h1 { (w.trash) }
        @if batches.is_empty() {
            div class="empty" { h2 { (w.trash_empty) } p class="soft" { (w.trash_text) } }
        } @else {
            p class="lead" { (w.n(w.n_contacts, total)) ". " (w.trash_text) }
        }
        // Enter on a box presses the first button: to restore the selected ones, and not all beside them.
        (p.post("/trash/restore", "", &html! { button hidden {} @for batch in batches { (deleted(p, batch, most)) } }))
        (next_page(p, "/trash", next))
    };
    shell(p, w.trash, &html! {}, &body)
}

/// `most`: bytes of a name.
fn deleted(p: &Page, batch: &Batch, most: usize) -> Markup {
    let w = p.w;
    let many = batch.contacts.len() as i64;
    let all = if batch.whole { w.restore_n } else { w.restore_shown };
    let ids: Vec<_> = batch.contacts.iter().map(|(id, _)| id.to_string()).collect();
    html! {
        section class="batch" {
            div class="head" {
                h2 { (p.time(batch.at)) @if !batch.by.is_empty() { " " small class="soft" { (batch.by) } } }
                @if many > 1 { button name="all" value=(ids.join(",")) { (w.n(all, many)) } }
            }
            ul class="rows plain" {
                @for (id, name) in &batch.contacts {
                    li {
                        label { input type="checkbox" name="ids" value=(id) aria-labelledby={ "n" (id) }; }
                        span class="name" id={ "n" (id) } { bdi { (cut(name, most)) } }
                        button name="one" value=(id) { (w.restore) }
                    }
                }
            }
            button { (w.restore_selected) }
        }
    }
}

/// Changes of the book that belong together: one program, one stretch of time.
pub struct Stretch {
    pub at: DateTime<Utc>,
    pub by: String,
    pub made: i64,
    pub changed: i64,
    pub deleted: i64,
    /// One of its contacts.
    pub name: Option<(i64, String)>,
    /// There are others.
    pub several: bool,
    /// The contact is not in the trash.
    pub is_there: bool,
    /// The revision of the book before it.
    pub before: i64,
}

/// `/history`
pub fn history(p: &Page, stretches: &[Stretch], next: Option<&str>) -> Markup {
    let w = p.w;
    let most = share(stretches.iter().filter_map(|it| Some(&*it.name.as_ref()?.1)), TEXTS);
    let body = html! {
        h1 { (w.history) }
        p class="lead" { (w.history_lead) }
        @if stretches.is_empty() && next.is_none() { div class="empty" { h2 { (w.no_history) } } }
        ol class="stretches" {
            @for it in stretches {
                li {
                    div {
                        strong { (what(p, it)) }
                        @if let Some((id, name)) = &it.name {
                            ": " @if it.is_there { a href={ "/contacts/" (id) } { bdi { (cut(name, most)) } } } @else { bdi { (cut(name, most)) } }
                            @if it.several { " " (w.and_others) }
                        }
                        p class="soft" { (p.time(it.at)) " · " bdi { (it.by) } }
                    }
                    a class="button" href={ "/history/rewind?" (query(&[("to", &it.before.to_string())])) } { (icon("history")) (w.back_before) }
                }
            }
        }
        (next_page(p, "/history", next))
    };
    shell(p, w.history, &html! {}, &body)
}

/// `3 added, 412 deleted`
fn what(p: &Page, it: &Stretch) -> String {
    let w = p.w;
    let parts = [(w.n_made, it.made), (w.n_changed, it.changed), (w.n_deleted, it.deleted)];
    let parts: Vec<_> =
        parts.into_iter().filter(|(_, n)| *n > 0).map(|(words, n)| w.n(words, n)).collect();
    parts.join(", ")
}

/// What a rewind would do, with the button that does it. `seen`: the revision of the book that this was found in.
pub fn rewind(
    p: &Page,
    (to, seen): (&str, i64),
    restored: i64,
    reverted: i64,
    deleted: i64,
) -> Markup {
    let w = p.w;
    let lines =
        [(w.rewind_restored, restored), (w.rewind_reverted, reverted), (w.rewind_deleted, deleted)];
    let body = html! {
        h1 { (w.rewind_title) }
        div class="panel" {
            @if restored + reverted + deleted == 0 { p { (w.rewind_nothing) } } @else { ul { @for (words, n) in lines { @if n > 0 { li { (w.n(words, n)) } } } } p class="soft" { (w.rewind_text) } }
            div class="acts" {
                @if restored + reverted + deleted > 0 { (p.button("/history/rewind", "main", w.rewind, &[("to", to), ("seen", &seen.to_string())])) }
                a class="button" href="/history" { (w.cancel) }
            }
        }
    };
    shell(p, w.rewind_title, &html! {}, &body)
}
