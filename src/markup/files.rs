//! `/import` and `/export`.

use super::form::{Form, Input, alert};
use super::labels;
use super::page::{Page, cut, fitting, icon, share, shell, some};
use super::queries::link;
use super::words::Words;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

const TABLES_AND_CARDS: &str =
    ".vcf,.vcard,.csv,.json,.txt,.tsv,text/vcard,text/csv,application/json";

/// `/import`: choose a file.
pub fn choose(p: &Page, form: &Form) -> Markup {
    let w = p.w;
    let sources = [
        ("Google", w.from_google),
        ("Apple", w.from_apple),
        ("Outlook", w.from_outlook),
        ("Android", w.from_android),
    ];
    let fields = html! {
        (alert(form, |name| ["file", "label"].contains(&name)))
        (Input { name: "file", label: w.file, hint: w.file_hint, required: true, ..Input::default() }.file(form, TABLES_AND_CARDS))
        (Input { name: "label", label: w.label_for_all, hint: w.label_for_all_hint, ..Input::default() }.show(form))
        button class="main" { (w.look_first) }
    };
    shell(
        p,
        w.import,
        &html! {},
        &html! {
            h1 { (w.import) }
            p class="lead" { (w.import_lead) }
            (p.post_file("/import", "panel", &fields))
            h2 { (w.where_from) }
            @for (name, text) in sources { details { summary { (name) } p { (text) } } }
        },
    )
}

/// What would become of a row of a file.
#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    /// A contact that is not there yet.
    New,
    /// A contact that is there gets what the file says.
    Changes(i64),
    /// It is there; under this id, if that is known.
    Known(Option<i64>),
    /// It cannot come in.
    Fault,
    /// It is of no row that is shown, and has remarks.
    #[default]
    Remark,
}

/// A row of a file.
#[derive(Default, Serialize, Deserialize)]
pub struct FileRow {
    pub line: u64,
    pub name: String,
    pub about: String,
    pub verdict: Verdict,
    /// What is odd or wrong in it.
    pub remarks: Vec<String>,
}

/// A column of a table.
#[derive(Serialize, Deserialize)]
pub struct Column {
    pub title: String,
    /// The member of a contact that was guessed; an empty text: none.
    pub guess: String,
    /// The one that it is.
    pub member: String,
    pub sample: String,
}

/// Bytes of the columns and rows on a page, and of the texts in the rows; longer ones are cut.
const ROOM: usize = 20_000;
const TEXTS: usize = 4_000;
/// Bytes of the name of a column, and of the example from it.
const SAMPLE: usize = 40;

/// Where the rows or the columns of a page begin, as its form says.
pub fn place(form: &Form, what: &str) -> usize {
    let step = form.get("step").strip_prefix(what).and_then(|rest| rest.strip_prefix('.'));
    step.unwrap_or(form.get(what)).parse().map_or(0, |place: u32| place as usize)
}

impl Column {
    /// What a reader wrote for it is the word of no member.
    pub fn is_unknown(&self, w: &Words) -> bool {
        !self.member.is_empty() && w.member(&self.member) == w.field
    }

    /// What it is, to be read.
    fn word(&self, w: &Words) -> String {
        if self.is_unknown(w) { self.member.clone() } else { w.column(&self.member) }
    }
}

/// The member that a reader chose for a column, or wrote the word of.
pub fn member(w: &Words, text: &str, guess: &str) -> String {
    let lower = text.trim().to_lowercase();
    let same = |member: &&str| *member == text || w.column(member).to_lowercase() == lower;
    MEMBERS.into_iter().chain([guess]).find(same).unwrap_or(text).to_owned()
}

/// What was found in a file.
#[derive(Default, Serialize, Deserialize)]
pub struct Found {
    pub format: String,
    pub charset: String,
    pub new: i64,
    pub updated: i64,
    pub duplicates: i64,
    pub faults: i64,
    /// How many lines there are remarks about.
    pub remarks: i64,
    /// Some of them, after so many cards.
    pub rows: Vec<FileRow>,
    pub skip: usize,
    /// After how many there are others.
    pub next: Option<usize>,
    /// Of a table whose columns are not known; empty otherwise.
    pub columns: Vec<Column>,
}

impl Found {
    /// The file could be read, so that there is something to say of its rows.
    fn is_judged(&self) -> bool {
        !self.format.is_empty()
    }
}

/// The second step: what was found in the file.
pub fn found(p: &Page, found: &Found, form: &Form) -> Markup {
    let w = p.w;
    let counts = [
        (w.n_new, found.new),
        (w.n_updated, found.updated),
        (w.n_duplicates, found.duplicates),
        (w.n_faults, found.faults),
        (w.n_remarks, found.remarks),
    ];
    let comes = found.new + found.updated;
    let may_be_there = found.updated + found.duplicates > 0 || !form.get("existing").is_empty();
    let looks_again = !found.columns.is_empty() || may_be_there;
    let rows = rows(p, found);
    let existing =
        [("skip", w.existing_skip), ("update", w.existing_update), ("add", w.existing_add)];
    let fields = html! {
        // That nothing names the columns is no fault of who has not yet been asked.
        (alert(form, |name| name == "label" || name.starts_with("map.") || (name == "file" && !found.columns.is_empty() && form.get("step").is_empty())))
        input type="hidden" name="key" value=(form.get("key"));
        // Enter in a field presses the first button: what was typed there is looked at first.
        @if looks_again { button name="step" value="look" hidden {} }
        @if !found.columns.is_empty() { (columns(p, found, form, ROOM.saturating_sub(rows.0.len()))) }
        (Input { name: "label", label: w.label_for_all, ..Input::default() }.show(form))
        @if may_be_there {
            (Input { name: "existing", label: w.existing, ..Input::default() }.choice(form, &existing))
        }
        div class="acts" {
            @if comes > 0 { button class="main" name="step" value="import" { (w.n(w.import_n, comes)) } }
            @else if found.is_judged() { p { (w.nothing_new) } }
            // What is there already may be wanted all the same, once the choice above is another.
            @if comes == 0 && (found.duplicates > 0 || !found.is_judged()) { button name="step" value="import" { (w.import) } }
            @if looks_again { button name="step" value="look" { (w.look_first) } }
            a class="button" href="/import" { (w.other_file) }
        }
    };
    let body = html! {
        h1 { (w.found_in) }
        @if found.is_judged() { p class="lead" { (w.n(w.n_contacts, comes + found.duplicates + found.faults)) " · " (found.format) @if !found.charset.is_empty() { " · " (found.charset) } } }
        ul class="counts" { @for (words, n) in counts { @if n > 0 { li { strong { (w.number(n)) } " " (w.form(words, n)) } } } }
        form method="post" action="/import/found" class="panel" id="file" { (p.token()) (fields) }
        (rows)
    };
    shell(p, w.import, &html! {}, &body)
}

/// What a column can be; the first: nothing that we know.
const MEMBERS: [&str; 26] = [
    "",
    "first_name",
    "last_name",
    "display_name",
    "middle_name",
    "prefix",
    "suffix",
    "nickname",
    "organization",
    "department",
    "job_title",
    "emails",
    "emails.home",
    "emails.work",
    "phones",
    "phones.mobile",
    "phones.home",
    "phones.work",
    "birthday",
    "addresses.street",
    "addresses.city",
    "addresses.postal_code",
    "addresses.country",
    "urls",
    "labels",
    "additional_data",
];

/// What each column is: chosen from a list while there is room for that, else written, with suggestions.
fn columns(p: &Page, found: &Found, form: &Form, room: usize) -> Markup {
    let w = p.w;
    let from = place(form, "columns");
    let all = found.columns.iter().enumerate();
    let chosen = fitting(all.clone().map(|(at, it)| column(p, form, at, it, true)), room);
    let lists = chosen.len() == found.columns.len();
    let (from, shown) = match lists {
        true => (0, chosen),
        false => {
            let written = all.clone().skip(from).map(|(at, it)| column(p, form, at, it, false));
            (from, fitting(written, room.saturating_sub(1_500)))
        }
    };
    let end = from + shown.len();
    let next = if end < found.columns.len() { end } else { 0 };
    html! {
        fieldset {
            legend { (w.columns) }
            p class="hint" { (w.columns_hint) }
            div class="columns" { @for column in &shown { (column) } }
            @if !lists {
                datalist id="members" { @for member in MEMBERS.iter().skip(1) { option value=(w.column(member)) {} } }
                input type="hidden" name="columns" value=(from);
                // What was corrected on other pages stays so.
                @for (at, column) in all.filter(|(at, it)| !(from..end).contains(at) && it.member != it.guess) {
                    input type="hidden" name={ "map." (at) } value=(column.member);
                }
                div class="acts" {
                    (w.number(from as i64 + 1)) "–" (w.number(end as i64)) " / " (w.number(found.columns.len() as i64))
                    @if end - from < found.columns.len() { " " button name="step" value={ "columns." (next) } { @if next > 0 { (w.next_page) } @else { (w.first_page) } } }
                }
            }
        }
    }
}

fn column(p: &Page, form: &Form, at: usize, it: &Column, list: bool) -> Markup {
    let w = p.w;
    let fault = form.fault_of(&format!("map.{at}"));
    let (invalid, described) = (fault.map(|_| "true"), fault.map(|_| format!("map.{at}-fault")));
    let unnamed = w.sentence("without a name");
    let title = some(it.title.trim()).unwrap_or(unnamed.trim_end_matches('.'));
    html! {
        div class="field" {
            label for={ "map." (at) } { bdi { (cut(title, SAMPLE)) } @if !it.sample.is_empty() { " " small class="soft" { bdi { (cut(&it.sample, SAMPLE)) } } } }
            @if list {
                select id={ "map." (at) } name={ "map." (at) } aria-invalid=[invalid] aria-describedby=[&described] {
                    @if !MEMBERS.contains(&it.member.as_str()) { option value=(it.member) selected { (it.word(w)) } }
                    @for member in MEMBERS { option value=(member) selected[member == it.member] { (w.column(member)) } }
                }
            } @else {
                input id={ "map." (at) } name={ "map." (at) } list="members" placeholder=(w.keep_as_is) autocomplete="off" aria-invalid=[invalid] aria-describedby=[&described] value=(if it.member.is_empty() { String::new() } else { it.word(w) });
            }
            @if let Some(fault) = fault { p class="fault" id=[&described] { (fault) } }
        }
    }
}

fn rows(p: &Page, found: &Found) -> Markup {
    let w = p.w;
    let texts =
        found.rows.iter().flat_map(|row| [&row.name, &row.about].into_iter().chain(&row.remarks));
    let most = share(texts.map(String::as_str), TEXTS);
    let page = |skip: usize, text: &str| html! { button form="file" name="step" value={ "rows." (skip) } { (text) } };
    html! {
        table class="list fit" aria-label=(w.found_in) {
            thead { tr { th { (w.line) } th { (w.result) } th { (w.name) } } }
            tbody {
                @for row in &found.rows {
                    tr {
                        td { (row.line) }
                        td { (verdict(w, row.verdict)) }
                        td { (whom(p, row, most)) @for remark in &row.remarks { " " small class="soft" { (cut(&w.sentence(remark), 2 * most)) } } }
                    }
                }
            }
        }
        nav class="pages" aria-label=(w.pages) {
            @if found.skip > 0 { (page(0, w.first_page)) }
            @if let Some(next) = found.next { (page(next, w.next_page)) }
        }
    }
}

fn verdict(w: &Words, verdict: Verdict) -> Markup {
    let (class, word) = match verdict {
        Verdict::New => ("tag good", w.verdict_new),
        Verdict::Changes(_) => ("tag good", w.verdict_changes),
        Verdict::Known(_) => ("tag", w.verdict_there),
        Verdict::Fault => ("tag bad", w.verdict_fault),
        Verdict::Remark => return html! {},
    };
    html! { span class=(class) { (word) } }
}

/// Who a row is about; whose double it is, and why.
fn whom(p: &Page, row: &FileRow, most: usize) -> Markup {
    let name = cut(&row.name, most);
    let (href, why) = match row.verdict {
        Verdict::Changes(id) => (format!("/contacts/{id}"), ""),
        Verdict::Known(Some(id)) => (format!("/contacts/{id}"), p.w.same_uid),
        Verdict::Known(None) => {
            (format!("/contacts?{}", link(&[("search", &row.name)])), p.w.says_nothing_new)
        }
        _ => {
            return html! { bdi { (name) } " " span class="soft" { bdi { (cut(&row.about, most)) } } };
        }
    };
    html! { a href=(href) { bdi { (name) } } " " small class="soft" { (why) } }
}

/// `/export`
pub fn export(p: &Page, labels: &[(String, i64)], total: i64) -> Markup {
    let w = p.w;
    let formats =
        [("vcard", "vCard", w.vcard_is), ("csv", "CSV", w.csv_is), ("json", "JSON", w.json_is)];
    let body = html! {
        h1 { (w.export) }
        p class="lead" { (w.export_lead) }
        form class="panel" action="/export/file" {
            fieldset class="options" {
                legend { (w.format) }
                @for (at, (value, name, text)) in formats.iter().enumerate() {
                    label { input type="radio" name="format" value=(value) checked[at == 0]; span { strong { (name) } span class="soft" { (text) } } }
                }
            }
            div class="field" {
                label for="label" { (w.which) }
                (labels::choice(p, labels, total))
            }
            button class="main" { (icon("export")) (w.download) }
        }
    };
    shell(p, w.export, &html! {}, &body)
}
