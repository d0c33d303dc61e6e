//! `/contacts`: the list, its filters, and the bar for what is selected.

use super::form::Form;
use super::labels::{nothing_found, often};
use super::page::{Page, cut, face, icon, share, shell};
use super::queries::link;
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Bytes of the labels beside the list and of its names and numbers, of which longer ones are cut.
const TEXTS: usize = 6_000;

/// A row of the list.
pub struct Row {
    pub id: i64,
    pub name: String,
    pub has_photo: bool,
    /// The organisation, else the main address.
    pub about: String,
    pub phone: String,
}

/// A page of the list.
#[derive(Default)]
pub struct List<'a> {
    pub rows: Vec<Row>,
    /// Found in all, not on this page alone.
    pub total: i64,
    pub search: &'a str,
    pub label: &'a str,
    pub sort: &'a str,
    /// The query of the next page.
    pub next: Option<String>,
    /// This is not the first page.
    pub later: bool,
    pub labels: &'a [(String, i64)],
    /// The query of this page, for a form that has to come back to it.
    pub query: &'a str,
    /// The form for what is selected, as it was sent: something is wrong with it.
    pub sent: Option<&'a Form>,
}

impl List<'_> {
    /// As the form was sent, this box was ticked.
    fn was_ticked(&self, name: &str, value: &str) -> bool {
        self.sent.is_some_and(|form| form.all(name).any(|it| it == value))
    }
}

/// `tel:` and the number without what is there to be read only (RFC 3966). What is dialled once the call is answered
/// comes behind a pause, or is an extension, whatever word stands before it.
pub fn tel(number: &str) -> String {
    let dialled =
        |text: &str| text.replace(|c: char| !c.is_ascii_digit() && !"+*#".contains(c), "");
    let is_digit = |c: char| c.is_ascii_digit();
    // The zero in brackets is dialled only inside the country.
    let abroad = number.trim_start().starts_with('+');
    let number = if abroad { number.replace("(0)", "") } else { number.to_owned() };
    // `x12`, `ext. 12`, `доб. 5`, `;ext=12`; `,,12`, `p12`, `,,*12#`
    let (before, rest) = number.split_at(number.find(is_digit).unwrap_or(0));
    let end = rest.find(|c: char| c.is_alphabetic() || ",;".contains(c)).unwrap_or(rest.len());
    let (line, more) = rest.split_at(end);
    let (line, extension) = (dialled(before) + &dialled(line), dialled(more));
    let pause = more.split(is_digit).next().unwrap_or_default();
    let text = match extension.is_empty() {
        true => dialled(&number),
        false if pause.contains(|c| !", ;pwPW*#".contains(c)) => format!("{line};ext={extension}"),
        false => {
            let more = more.replace(['p', 'P', 'w', 'W', ';'], ",");
            line + &more.replace(|c: char| !c.is_ascii_digit() && !"*#,".contains(c), "")
        }
    };
    format!("tel:{}", text.replace('#', "%23"))
}

/// `mailto:` and the address (RFC 6068): whatever could begin a header of the mail is encoded.
pub fn mailto(address: &str) -> String {
    const PLAIN: AsciiSet =
        NON_ALPHANUMERIC.remove(b'@').remove(b'.').remove(b'-').remove(b'_').remove(b'+');
    format!("mailto:{}", utf8_percent_encode(address, &PLAIN))
}

/// The page.
pub fn page(p: &Page, list: &List) -> Markup {
    let w = p.w;
    let empty_book = list.total == 0 && list.search.is_empty() && list.label.is_empty();
    let title = if list.label.is_empty() { w.contacts } else { list.label };
    let side = labels(p, list);
    let body = html! {
        div class="head" {
            h1 { (title) }
            @if !list.label.is_empty() { (change_label(p, list)) }
            @if !empty_book { (sorts(p, list)) }
        }
        div id="found" {
            @if p.search_fault.is_none() && !list.search.is_empty() {
                p class="soft" {
                    (w.results_for) " " (w.quotes()[0]) bdi { (list.search) } (w.quotes()[1]) " · " a href="/contacts" { (w.show_all) }
                }
            }
            @if let Some(fault) = &p.search_fault { p class="fault" id="search-fault" { (fault) } }
            @else if empty_book { (nobody_yet(p)) } @else if list.rows.is_empty() { (nothing_found(p)) } @else { (table(p, list, TEXTS.saturating_sub(side.0.len()))) }
        }
        // The script says here what a search found, since what stands in a new `#found` is not read out.
        p class="quiet" id="said" role="status" {}
    };
    shell(p, title, &side, &body)
}

/// Another name for a label, or none.
fn change_label(p: &Page, list: &List) -> Markup {
    let (w, label) = (p.w, list.label);
    let sent = list.sent.filter(|form| form.has("to"));
    let fault = sent.and_then(|form| form.fault_of("to"));
    let fields = html! {
        input type="hidden" name="from" value=(label);
        label for="to" { (w.name) }
        input id="to" name="to" value=(sent.map_or(label, |form| form.get("to"))) required maxlength="50" autocomplete="off"
            autofocus[fault.is_some()] aria-invalid=[fault.map(|_| "true")] aria-describedby=[fault.map(|_| "to-fault")];
        @if let Some(fault) = fault { p class="fault" id="to-fault" { (fault) } }
        div class="pair" {
            button name="action" value="rename" { (w.rename) }
            button name="action" value="remove" class="danger" formnovalidate { (w.remove_label) }
        }
    };
    html! {
        details class="pop" open[fault.is_some()] { summary { (w.edit_label) } (p.post("/labels", "drop", &fields)) }
    }
}

fn sorts(p: &Page, list: &List) -> Markup {
    let w = p.w;
    let sorts = [
        ("name", w.sort_name),
        ("-name", w.sort_name_back),
        ("-updated_at", w.sort_changed),
        ("-created_at", w.sort_new),
    ];
    html! {
        form class="sort" action="/contacts" {
            @if !list.search.is_empty() { input type="hidden" name="search" value=(list.search); }
            @if !list.label.is_empty() { input type="hidden" name="label" value=(list.label); }
            label class="quiet" for="sort" { (w.sort) }
            select id="sort" name="sort" { @for (value, name) in sorts { option value=(value) selected[value == list.sort] { (name) } } }
            button { (w.sort) }
        }
    }
}

fn labels(p: &Page, list: &List) -> Markup {
    if list.labels.is_empty() {
        return html! {};
    }
    let often = often(list.labels);
    html! {
        nav class="labels" aria-labelledby="labels-title" {
            h2 id="labels-title" { (p.w.labels) }
            ul {
                @for (label, count) in &often {
                    li {
                        a href={ "/contacts?" (link(&[("label", label)])) } aria-current=[(label == list.label).then_some("true")] {
                            span { (label) } " " small { (p.w.number(*count)) }
                        }
                    }
                }
                @if often.len() < list.labels.len() { li { a href="/labels" { (p.w.all) " (" (p.w.number(list.labels.len() as i64)) ")" } } }
            }
        }
    }
}

/// `room`: bytes of its texts.
fn table(p: &Page, list: &List, room: usize) -> Markup {
    let w = p.w;
    let texts = list.rows.iter().flat_map(|row| [&*row.name, &row.about, &row.phone, &row.phone]);
    let most = share(texts, room);
    let rows = html! {
        input type="hidden" name="search" value=(list.search);
        input type="hidden" name="label_shown" value=(list.label);
        input type="hidden" name="query" value=(list.query);
        (bar(p, list))
        ul class="rows" { @for row in &list.rows { (one(list, row, most)) } }
    };
    html! {
        (p.post("/contacts/bulk", "book", &rows))
        nav class="pages" aria-label=(w.pages) {
            @if list.later {
                a class="button" href={ "/contacts?" (link(&[("search", list.search), ("label", list.label), ("sort", list.sort)])) } { (w.first_page) }
            }
            @if let Some(next) = &list.next { a class="button" rel="next" href={ "/contacts?" (next) } { (w.next_page) } }
        }
    }
}

/// What can be done with the selected ones. Without the script it is always there.
fn bar(p: &Page, list: &List) -> Markup {
    let w = p.w;
    html! {
        div class="bar" {
            label class="check script" { input type="checkbox" id="page" data-all; span class="quiet" { (w.select_page) } }
            p class="count" data-none=(w.n(w.n_contacts, list.total)) data-some=(w.n_selected) aria-live="polite" { (w.n(w.n_contacts, list.total)) }
            div class="acts" {
                @if list.total > list.rows.len() as i64 {
                    label class="all" { input type="checkbox" name="all" value="1" checked[list.was_ticked("all", "1")]; " " (w.n(w.select_all_found, list.total)) }
                }
                details class="pop" open[list.sent.is_some_and(|form| form.get("action").ends_with("_label"))] {
                    summary { (w.label) }
                    div class="drop" {
                        label for="bulk-label" { (w.label) }
                        input id="bulk-label" name="label" value=[list.sent.map(|form| form.get("label"))] list="known-labels" autocomplete="off";
                        datalist id="known-labels" { @for (label, _) in often(list.labels) { option value=(label) {} } }
                        div class="pair" {
                            button name="action" value="add_label" { (w.add_label) }
                            button name="action" value="remove_label" { (w.take_label) }
                        }
                    }
                }
                button name="action" value="merge" { (w.merge) }
                button name="action" value="export" { (w.export) }
                button name="action" value="delete" class="danger" { (w.delete) }
            }
        }
    }
}

/// `most`: bytes of each text.
fn one(list: &List, row: &Row, most: usize) -> Markup {
    let photo = row.has_photo.then(|| format!("/contacts/{}/photo", row.id));
    html! {
        li {
            label { input type="checkbox" name="ids" value=(row.id) checked[list.was_ticked("ids", &row.id.to_string())] aria-labelledby={ "n" (row.id) }; }
            (face(row.id, &row.name, photo.as_deref(), ""))
            a class="name" id={ "n" (row.id) } href={ "/contacts/" (row.id) } { bdi { (cut(&row.name, most)) } }
            @if !row.about.is_empty() { bdi { (cut(&row.about, most)) } }
            @if !row.phone.is_empty() { a href=(tel(&row.phone)) { (cut(&row.phone, most)) } }
        }
    }
}

fn nobody_yet(p: &Page) -> Markup {
    let w = p.w;
    let ways = [
        ("/import", "import", w.import, w.empty_import),
        ("/settings/connect", "phone", w.connect, w.empty_connect),
        ("/contacts/new", "plus", w.new_contact, w.empty_new),
    ];
    html! {
        div class="empty" {
            h2 { (w.empty_title) }
            p class="soft" { (w.empty_text) }
            ul class="choices" {
                @for (href, name, title, text) in ways {
                    li { a href=(href) { (icon(name)) strong { (title) } span class="soft" { (text) } } }
                }
            }
        }
    }
}
