//! `/import` and `/export`.

use super::form::{Form, Input, alert};
use super::list::query;
use super::page::{Page, icon, shell};
use maud::{Markup, html};

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
        div class="field" {
            label for="file" { (w.file) }
            input id="file" name="file" type="file" required accept=".vcf,.vcard,.csv,.json,.txt,.tsv,text/vcard,text/csv,application/json"
                aria-describedby="file-hint";
            @if let Some(fault) = form.fault_of("file") { p class="fault" { (fault) } }
            p class="hint" id="file-hint" { (w.file_hint) }
        }
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
pub enum Verdict {
    /// A contact that is not there yet.
    New,
    /// A contact that is there gets what the file says.
    Changes(i64),
    /// It is there; under this id, if that is known.
    Known(Option<i64>),
    /// It cannot come in.
    Fault(String),
}

/// A row of a file.
pub struct FileRow {
    pub line: u64,
    pub name: String,
    pub about: String,
    pub verdict: Verdict,
}

/// A column of a table.
pub struct Column {
    pub title: String,
    /// The member of a contact that was guessed; an empty text: none.
    pub member: String,
    pub sample: String,
}

/// What was found in a file.
#[derive(Default)]
pub struct Found {
    pub format: String,
    pub charset: String,
    pub new: i64,
    pub updated: i64,
    pub duplicates: i64,
    pub faults: i64,
    pub rows: Vec<FileRow>,
    pub warnings: Vec<(u64, String)>,
    /// Of a table whose columns are not known; empty otherwise.
    pub columns: Vec<Column>,
}

/// The second step: what was found in the file.
pub fn found(p: &Page, found: &Found, form: &Form) -> Markup {
    let w = p.w;
    let counts = [
        (w.n_new, found.new),
        (w.n_updated, found.updated),
        (w.n_duplicates, found.duplicates),
        (w.n_faults, found.faults),
    ];
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
            button class="main" name="step" value="import" { (w.n(w.import_n, found.new + found.updated)) }
            @if !found.columns.is_empty() { button name="step" value="look" { (w.look_again) } }
            a class="button" href="/import" { (w.other_file) }
        }
    };
    let body = html! {
        h1 { (w.found_in) }
        p class="lead" { (w.n(w.n_contacts, found.new + found.updated + found.duplicates + found.faults)) " · " (found.format) @if !found.charset.is_empty() { " · " (found.charset) } }
        ul class="counts" { @for (words, n) in counts { @if n > 0 { li { strong { (w.number(n)) } " " (w.form(words, n)) } } } }
        (p.post("/import/found", "panel", &fields))
        @if !found.warnings.is_empty() {
            details {
                summary { (w.n(w.n_warnings, found.warnings.len() as i64)) }
                ul { @for (line, detail) in &found.warnings { li { (w.line) " " (line) ": " (detail) } } }
            }
        }
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
    let all = found.new + found.updated + found.duplicates + found.faults;
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(w.rows_of_file) {
            table class="list" {
                thead { tr { th { (w.line) } th { (w.name) } th { (w.result) } } }
                tbody { @for row in &found.rows { tr { td { (row.line) } td { bdi { (row.name) } " " span class="soft" { bdi { (row.about) } } } td { (verdict(p, row)) } } } }
            }
        }
        @if all > found.rows.len() as i64 { p class="soft" { (w.n(w.first_rows_only, found.rows.len() as i64)) } }
    }
}

fn verdict(p: &Page, row: &FileRow) -> Markup {
    let w = p.w;
    let there = |id: i64| html! { " " a href={ "/contacts/" (id) } { bdi { (row.name) } } };
    match &row.verdict {
        Verdict::New => html! { span class="tag good" { (w.verdict_new) } },
        Verdict::Changes(id) => {
            html! { span class="tag good" { (w.verdict_changes) } (there(*id)) }
        }
        Verdict::Known(Some(id)) => {
            html! { span class="tag" { (w.verdict_there) } (there(*id)) " " span class="soft" { (w.same_uid) } }
        }
        Verdict::Known(None) => {
            let search = query(&[("search", &row.name)]);
            html! { span class="tag" { (w.verdict_there) } " " a href={ "/contacts?" (search) } { bdi { (row.name) } } " " span class="soft" { (w.says_nothing_new) } }
        }
        Verdict::Fault(detail) => html! { span class="tag bad" { (w.verdict_fault) } " " (detail) },
    }
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
