//! `/import` and `/export`.

use super::form::{Form, Input, alert};
use super::list::query;
use super::page::{Page, icon, shell};
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
    pub member: String,
    pub sample: String,
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
    /// How many remarks there are.
    pub remarks: i64,
    pub rows: Vec<FileRow>,
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
    let existing =
        [("skip", w.existing_skip), ("update", w.existing_update), ("add", w.existing_add)];
    let fields = html! {
        (alert(form, |name| name == "label"))
        input type="hidden" name="key" value=(form.get("key"));
        @if !found.columns.is_empty() { (columns(p, found, form)) }
        (Input { name: "label", label: w.label_for_all, ..Input::default() }.show(form))
        @if found.updated + found.duplicates > 0 || !form.get("existing").is_empty() {
            (Input { name: "existing", label: w.existing, ..Input::default() }.choice(form, &existing))
        }
        div class="acts" {
            @if comes > 0 { button class="main" name="step" value="import" { (w.n(w.import_n, comes)) } }
            @else if found.is_judged() { p { (w.nothing_new) } }
            // What is there already may be wanted all the same, once the choice above is another.
            @if comes == 0 && (found.duplicates > 0 || !found.is_judged()) { button name="step" value="import" { (w.import) } }
            @if !found.columns.is_empty() { button name="step" value="look" { (w.look_first) } }
            a class="button" href="/import" { (w.other_file) }
        }
    };
    let body = html! {
        h1 { (w.found_in) }
        @if found.is_judged() { p class="lead" { (w.n(w.n_contacts, comes + found.duplicates + found.faults)) " · " (found.format) @if !found.charset.is_empty() { " · " (found.charset) } } }
        ul class="counts" { @for (words, n) in counts { @if n > 0 { li { strong { (w.number(n)) } " " (w.form(words, n)) } } } }
        (p.post("/import/found", "panel", &fields))
        (rows(p, found))
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

fn columns(p: &Page, found: &Found, form: &Form) -> Markup {
    let w = p.w;
    html! {
        fieldset {
            legend { (w.columns) }
            p class="hint" { (w.columns_hint) }
            div class="columns" {
                @for (at, column) in found.columns.iter().enumerate() {
                    div class="field" {
                        label for={ "map." (at) } { bdi { (column.title) } @if !column.sample.is_empty() { " " small class="soft" { bdi { (column.sample) } } } }
                        select id={ "map." (at) } name={ "map." (at) } {
                            @if !MEMBERS.contains(&column.member.as_str()) { option value=(column.member) selected { (w.column(&column.member)) } }
                            @for member in MEMBERS { option value=(member) selected[member == column.member] { (w.column(member)) } }
                        }
                        @if let Some(fault) = form.fault_of(&format!("map.{at}")) { p class="fault" { (fault) } }
                    }
                }
            }
        }
    }
}

fn rows(p: &Page, found: &Found) -> Markup {
    let w = p.w;
    html! {
        table class="list fit" aria-label=(w.found_in) {
            thead { tr { th { (w.line) } th { (w.result) } th { (w.name) } } }
            tbody {
                @for row in &found.rows {
                    tr {
                        td { (row.line) }
                        td { (verdict(w, row.verdict)) }
                        td { (whom(p, row)) @for remark in &row.remarks { " " small class="soft" { (w.sentence(remark)) } } }
                    }
                }
            }
        }
        @let all = found.new + found.updated + found.duplicates + found.faults;
        @if all > found.rows.len() as i64 { p class="soft" { (w.n(w.first_rows_only, found.rows.len() as i64)) } }
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
fn whom(p: &Page, row: &FileRow) -> Markup {
    let (href, why) = match row.verdict {
        Verdict::Changes(id) => (format!("/contacts/{id}"), ""),
        Verdict::Known(Some(id)) => (format!("/contacts/{id}"), p.w.same_uid),
        Verdict::Known(None) => {
            (format!("/contacts?{}", query(&[("search", &row.name)])), p.w.says_nothing_new)
        }
        _ => return html! { bdi { (row.name) } " " span class="soft" { bdi { (row.about) } } },
    };
    html! { a href=(href) { bdi { (row.name) } } " " small class="soft" { (why) } }
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
                select id="label" name="label" {
                    option value="" { (w.all) " (" (w.number(total)) ")" }
                    @for (label, count) in labels { option value=(label) { (label) " (" (w.number(*count)) ")" } }
                }
            }
            button class="main" { (icon("export")) (w.download) }
        }
    };
    shell(p, w.export, &html! {}, &body)
}
