//! What all pages share: who reads, the frame around a page, dates and numbers as the reader
//! writes them.

pub use super::pictures::{drawing, face, icon};
use super::words::Words;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use maud::{DOCTYPE, Markup, html};
use std::borrow::Cow;

/// Who is signed in.
pub struct User {
    pub username: String,
    pub avatar: String,
    pub is_admin: bool,
}

/// What was done by the request before this one.
#[derive(Default)]
pub struct Flash {
    pub text: String,
    /// The revisions of the book before and after it, for the button "Undo".
    pub undo: Option<(i64, i64)>,
    /// Where to go then.
    pub back: String,
    /// Groups of possible duplicates that there are now, to be offered.
    pub duplicates: i64,
}

/// The reader of a page, and what every page shows beside its own content.
pub struct Page<'a> {
    pub w: &'static Words,
    /// `February 29, 1984` instead of `29 February 1984`.
    pub month_first: bool,
    /// Where the reader's clock stands. `None`: instants are shown in UTC and say so.
    pub zone: Option<Tz>,
    /// Today, where the reader is.
    pub today: NaiveDate,
    /// The path of this page, to mark it in the navigation.
    pub path: &'a str,
    pub user: Option<User>,
    /// The token of every form; an empty text where nobody is signed in.
    pub csrf: String,
    /// What the search box in the head holds.
    pub search: String,
    /// What is wrong with that; the list says it.
    pub search_fault: Option<String>,
    pub flash: Option<Flash>,
    /// The query of this page, to be asked for in another language. `None`: the page answers a form, and what
    /// was typed would be lost.
    pub query: Option<String>,
}

/// Forms of boxes to tick. Whoever comes back to a page finds in its forms what was typed there; but these a browser
/// would tick by their place, where by now somebody else may stand.
const TICKED: [&str; 3] = ["/contacts/bulk", "/trash/restore", "/duplicates/merge"];

impl Page<'_> {
    /// A form that changes something: with the session's token.
    pub fn post(&self, action: &str, class: &str, fields: &Markup) -> Markup {
        let off = TICKED.contains(&action).then_some("off");
        html! {
            form method="post" action=(action) class=[some(class)] autocomplete=[off] { (self.token()) (fields) }
        }
    }

    /// Like [`Page::post`] for forms with a file.
    pub fn post_file(&self, action: &str, class: &str, fields: &Markup) -> Markup {
        html! {
            form method="post" action=(action) class=[some(class)] enctype="multipart/form-data" {
                (self.token()) (fields)
            }
        }
    }

    /// The hidden field with the session's token.
    pub fn token(&self) -> Markup {
        html! { @if !self.csrf.is_empty() { input type="hidden" name="csrf" value=(self.csrf); } }
    }

    /// A form that is one button.
    pub fn button(
        &self,
        action: &str,
        class: &str,
        label: &str,
        hidden: &[(&str, &str)],
    ) -> Markup {
        self.post(
            action,
            "inline",
            &html! {
                @for (name, value) in hidden { input type="hidden" name=(name) value=(value); }
                button class=[some(class)] { (label) }
            },
        )
    }

    /// A day of a year: `29 Feb 1984`.
    pub fn date(&self, date: NaiveDate) -> String {
        format!("{}{} {}", self.day(date), if self.month_first { "," } else { "" }, date.year())
    }

    /// A day of every year: `29 Feb`.
    pub fn day(&self, date: NaiveDate) -> String {
        self.month_day(date.month(), date.day())
    }

    /// As [`Page::day`], by numbers.
    pub fn month_day(&self, month: u32, day: u32) -> String {
        let name = pick(self.w.months_of, month.saturating_sub(1));
        if self.month_first { format!("{name} {day}") } else { format!("{day} {name}") }
    }

    /// The heading of a month: `February 2026`.
    pub fn month(&self, date: NaiveDate) -> String {
        format!("{} {}", pick(self.w.months, date.month0()), date.year())
    }

    /// `Mon`.
    pub fn weekday(&self, date: NaiveDate) -> &'static str {
        pick(self.w.weekdays, date.weekday().num_days_from_monday())
    }

    /// An instant as the reader's clock shows it; the year only where it is another one.
    pub fn time(&self, at: DateTime<Utc>) -> Markup {
        let local = at.with_timezone(&self.zone.unwrap_or(Tz::UTC));
        let date = local.date_naive();
        let day = match (self.today - date).num_days() {
            0 => self.w.today.to_owned(),
            1 => self.w.yesterday.to_owned(),
            2..=5 => format!("{} {}", self.weekday(date), self.day(date)),
            _ if date.year() == self.today.year() => self.day(date),
            _ => self.date(date),
        };
        let utc = if self.zone.is_none() { " UTC" } else { "" };
        html! {
            time datetime=(at.format("%Y-%m-%dT%H:%M:%SZ")) { (day) ", " (local.format("%H:%M")) (utc) }
        }
    }
}

/// The n-th of the words between bars.
fn pick(list: &'static str, index: u32) -> &'static str {
    list.split('|').nth(index as usize).unwrap_or_default()
}

/// An attribute that is left out when it is empty.
pub fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="robots" content="noindex";
            // With no-referrer, as the header says, browsers hide even from us where a form comes from.
            meta name="referrer" content="same-origin";
            title { (title) " · contactd" }
            link rel="icon" href="/icon.svg" type="image/svg+xml";
            link rel="stylesheet" href="/style.css";
            script src="/app.js" defer {}
        }
    }
}

fn brand() -> Markup {
    html! { a class="brand" href="/" { img src="/icon.svg" alt="" width="28" height="28"; "contactd" } }
}

/// A page for whoever is not signed in: one column.
pub fn bare(p: &Page, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(p.w.lang) {
            (head(title))
            body class="bare" {
                header { (brand()) }
                main { h1 { (title) } (body) }
                @if let Some(query) = &p.query { footer { (languages(p, query)) } }
            }
        }
    }
}

/// Links that change the language before somebody signs in.
fn languages(p: &Page, query: &str) -> Markup {
    let and = if query.is_empty() { "" } else { "&" };
    html! {
        nav aria-label=(p.w.language) {
            @for (tag, name) in super::words::LANGUAGES {
                a href={ "?" (query) (and) "lang=" (tag) } lang=(tag) hreflang=(tag) aria-current=[(*tag == p.w.lang).then_some("true")] { (name) }
            }
        }
    }
}

/// A page for whoever is signed in. `side` stands below the navigation on wide screens and above
/// the content on narrow ones.
pub fn shell(p: &Page, title: &str, side: &Markup, body: &Markup) -> Markup {
    let w = p.w;
    html! {
        (DOCTYPE)
        html lang=(w.lang) {
            (head(title))
            body class="app" {
                a class="skip" href="#main" { (w.skip) }
                header class="top" {
                    (brand())
                    form class="find" role="search" action="/contacts" {
                        (icon("search"))
                        input type="search" name="search" id="search" aria-label=(w.search) placeholder=(w.search)
                            autocomplete="off" aria-keyshortcuts="/" value=[some(&p.search)]
                            aria-invalid=[p.search_fault.as_ref().map(|_| "true")] aria-describedby=[p.search_fault.as_ref().map(|_| "search-fault")];
                    }
                    @if let Some(user) = &p.user { (account_menu(p, user)) }
                }
                div class="side" { (navigation(p)) (side) }
                main id="main" tabindex="-1" { (flash(p)) (body) }
                (keys(p))
            }
        }
    }
}

fn account_menu(p: &Page, user: &User) -> Markup {
    let w = p.w;
    html! {
        details class="menu" {
            summary aria-label={ (w.account) ": " (user.username) } {
                img class="face" src=(user.avatar) alt="" width="36" height="36";
            }
            div class="drop" {
                p class="soft" { (user.username) }
                a class="narrow" href="/import" { (icon("import")) (w.import) }
                a class="narrow" href="/export" { (icon("export")) (w.export) }
                a class="narrow" href="/trash" { (icon("trash")) (w.trash) }
                a href="/settings/connect" { (icon("phone")) (w.connect) }
                a href="/settings" { (icon("settings")) (w.settings) }
                @if user.is_admin { a href="/admin" { (icon("server")) (w.admin) } }
                (p.button("/logout", "plain", w.sign_out, &[]))
            }
        }
    }
}

fn navigation(p: &Page) -> Markup {
    let w = p.w;
    let link = |href: &str, name: &str, label: &str, class: &str| {
        let here = p.path == href || p.path.starts_with(&format!("{href}/"));
        html! {
            a href=(href) class=[some(class)] aria-current=[here.then_some("page")] { (icon(name)) span { (label) } }
        }
    };
    html! {
        nav class="main" aria-label=(w.navigation) {
            a class="new" href="/contacts/new" aria-keyshortcuts="n" { (icon("plus")) span { (w.new_contact) } }
            (link("/contacts", "people", w.contacts, ""))
            (link("/birthdays", "cake", w.birthdays, ""))
            (link("/duplicates", "merge", w.duplicates, ""))
            (link("/history", "history", w.history, ""))
            (link("/trash", "trash", w.trash, "wide"))
            (link("/import", "import", w.import, "wide"))
            (link("/export", "export", w.export, "wide"))
            (link("/settings/connect", "phone", w.connect, "wide"))
        }
    }
}

fn flash(p: &Page) -> Markup {
    let Some(flash) = &p.flash else { return html! {} };
    html! {
        div class="flash" role="status" {
            p { (flash.text) }
            @if flash.duplicates > 0 {
                a class="undo" href="/duplicates" { (p.w.n(p.w.look_through, flash.duplicates)) }
            }
            @if let Some((before, after)) = flash.undo {
                (p.button("/history/rewind", "undo", p.w.undo, &[("to", &before.to_string()), ("undo", &after.to_string()), ("back", &flash.back)]))
            }
        }
    }
}

/// The list of keys; the script opens it at `?`.
fn keys(p: &Page) -> Markup {
    let w = p.w;
    let keys = [
        ("/", w.key_search),
        ("j", pick(w.key_names, 0)),
        ("k", pick(w.key_names, 1)),
        ("Enter", pick(w.key_names, 2)),
        ("x", w.select),
        ("n", w.new_contact),
        ("e", w.edit),
        ("?", w.keys),
    ];
    html! {
        dialog id="keys" aria-labelledby="keys-title" {
            h2 id="keys-title" { (w.keys) }
            dl { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } }
            form method="dialog" { button { (w.done) } }
        }
    }
}

/// The link to the next page of a list, by its query.
pub fn next_page(p: &Page, path: &str, next: Option<&str>) -> Markup {
    html! {
        @if let Some(next) = next {
            nav class="pages" aria-label=(p.w.pages) { a class="button" rel="next" href={ (path) "?" (next) } { (p.w.next_page) } }
        }
    }
}

/// A page of one message.
pub fn message(p: &Page, title: &str, text: &str) -> Markup {
    framed(p, title, &html! { p role="status" { (text) } })
}

/// A page for whoever reads it, signed in or not.
pub fn framed(p: &Page, title: &str, body: &Markup) -> Markup {
    match p.user {
        Some(_) => shell(p, title, &html! {}, &html! { h1 { (title) } (body) }),
        None => bare(p, title, body),
    }
}

/// The first of these pieces of a page that have together at most so many bytes, but one at least.
pub fn fitting(pieces: impl Iterator<Item = Markup>, most: usize) -> Vec<Markup> {
    let mut bytes = 0;
    let mut room = |piece: &Markup| {
        let first = bytes == 0;
        bytes += piece.0.len();
        first || bytes <= most
    };
    pieces.take_while(|piece| room(piece)).collect()
}

/// How many bytes of each of these texts a page shows, so that they have together at most so many: all of
/// them in most books.
pub fn share<'t>(texts: impl Iterator<Item = &'t str>, most: usize) -> usize {
    let lengths: Vec<_> = texts.map(str::len).collect();
    let fits = |each: &usize| lengths.iter().map(|length| length.min(each)).sum::<usize>() <= most;
    [most, 400, 200, 140, 100, 80, 60, 50, 40].into_iter().find(fits).unwrap_or(26)
}

/// The beginning of a text, at most so many bytes of it.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= most).last();
    Cow::Owned(format!("{}…", text.get(..end.unwrap_or(0)).unwrap_or_default()))
}

/// Text with line breaks kept.
pub fn lines(text: &str) -> Markup {
    html! {
        @for (at, line) in text.lines().enumerate() { @if at > 0 { br; } (line) }
    }
}
