//! `/contacts/new` and `/contacts/{id}/edit`.

use super::contact::{or_dash, partial};
use super::dates;
use super::form::{Form, Input, PICTURES, alert};
use super::labels;
use super::page::{Page, icon, lines, shell};
use super::words::Words;
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use vcard::PartialDate;

/// The lists of a contact, and the members of their entries in the order of the fields.
pub const LISTS: [(&str, &[&str]); 7] = [
    ("phones", &["value", "label"]),
    ("emails", &["value", "label"]),
    (
        "addresses",
        &["street", "extended", "postal_code", "city", "region", "country", "po_box", "label"],
    ),
    ("urls", &["value", "label"]),
    ("dates", &["value", "label"]),
    ("relations", &["value", "label"]),
    ("online", &["service", "value", "label"]),
];

/// Lists one of whose entries is the main one.
const WITH_PRIMARY: [&str; 3] = ["emails", "phones", "addresses"];

/// Single members, in the order of the fields.
pub const SINGLE: [&str; 11] = [
    "prefix",
    "first_name",
    "middle_name",
    "last_name",
    "suffix",
    "nickname",
    "organization",
    "department",
    "job_title",
    "birthday",
    "additional_data",
];

/// Members, and the photo, in the order in which the page asks for them.
const ORDER: [&str; 20] = [
    "first_name",
    "last_name",
    "organization",
    "job_title",
    "prefix",
    "middle_name",
    "suffix",
    "nickname",
    "department",
    "photo",
    "phones",
    "emails",
    "addresses",
    "birthday",
    "labels",
    "additional_data",
    "urls",
    "dates",
    "relations",
    "online",
];

/// The place of a field on the page, among those of other members.
pub fn place(field: &str) -> usize {
    let member = field.split('.').next().unwrap_or_default();
    ORDER.iter().position(|it| *it == member).unwrap_or(ORDER.len())
}

/// The number of a form for a new contact, so that it makes one however often it is sent.
pub const NUMBER: &str = "form";

/// Set in a form that came with a photo. Browsers fill in no files: it has to be chosen again.
pub const PHOTO_SENT: &str = "photo.sent";

/// A contact that is edited: none is a new one.
pub struct Edited<'a> {
    pub id: Option<i64>,
    /// The revision that the form began from.
    pub revision: i64,
    pub has_photo: bool,
    /// Labels that the book has, to be suggested.
    pub known_labels: &'a [(String, i64)],
    /// Changed by somebody else in the meantime: the contact as it is now.
    pub now: Option<&'a Form>,
}

/// The JSON of a contact as a form: `{"emails": [{"value": "a@b"}]}` is the field `emails.0.value`,
/// labels stand in one field, and a list's `primary` is the number of its main entry.
pub fn form_of(w: &Words, contact: &Value) -> Form {
    let mut form = Form::default();
    let Value::Object(members) = contact else { return form };
    for (name, value) in members {
        match value {
            Value::String(text) => form.set(name, text),
            Value::Array(labels) if name == "labels" => {
                form.set(name, &labels::joined(labels.iter().filter_map(Value::as_str)));
            }
            Value::Array(entries) => {
                entries
                    .iter()
                    .enumerate()
                    .for_each(|(at, entry)| entry_of(w, &mut form, name, at, entry));
            }
            _ => {}
        }
    }
    form
}

fn entry_of(w: &Words, form: &mut Form, list: &str, at: usize, entry: &Value) {
    for (name, value) in entry.as_object().into_iter().flatten() {
        match value {
            Value::String(text) if name == "label" => {
                form.set(&format!("{list}.{at}.label"), &w.label_name(text))
            }
            Value::String(text) => form.set(&format!("{list}.{at}.{name}"), text),
            Value::Bool(true) => form.set(&format!("{list}.{name}"), &at.to_string()),
            _ => {}
        }
    }
}

/// A form as the JSON of a contact, to be checked as that of any client. Rows in which nothing is
/// written but a label are left out. Gives also the numbers of the rows that stayed, a list each,
/// since faults are named by the entries of the JSON.
pub fn json_of(w: &Words, form: &Form) -> (Value, Vec<(&'static str, Vec<usize>)>) {
    let text = |name: &str| Some(form.get(name).trim()).filter(|text| !text.is_empty());
    let mut contact = Map::new();
    for name in SINGLE {
        contact.insert(name.to_owned(), json!(text(name)));
    }
    contact.insert("birthday".to_owned(), json!(dates::of_form(form, "birthday")));
    contact.insert("labels".to_owned(), json!(labels::split(form.get("labels"))));
    let mut kept = Vec::new();
    for (list, parts) in LISTS {
        let mut rows = Vec::new();
        let mut entries = Vec::new();
        for at in 0..form.rows(list) {
            let value = |part: &str| match (list, part) {
                ("dates", "value") => dates::of_form(form, &format!("dates.{at}.value")),
                (_, "label") => {
                    text(&format!("{list}.{at}.label")).map(|label| w.label_of(label).to_owned())
                }
                _ => text(&format!("{list}.{at}.{part}")).map(str::to_owned),
            };
            let filled = parts
                .iter()
                .any(|part| !["label", "service"].contains(part) && value(part).is_some());
            if !filled {
                continue;
            }
            let mut entry: Map<_, _> =
                parts.iter().map(|part| ((*part).to_owned(), json!(value(part)))).collect();
            if WITH_PRIMARY.contains(&list) {
                let primary = form.get(&format!("{list}.primary")).parse() == Ok(at);
                entry.insert("primary".to_owned(), json!(primary));
            }
            entries.push(Value::Object(entry));
            rows.push(at);
        }
        contact.insert(list.to_owned(), Value::Array(entries));
        kept.push((list, rows));
    }
    (Value::Object(contact), kept)
}

/// The page.
pub fn page(p: &Page, it: &Edited, form: &Form) -> Markup {
    let w = p.w;
    let title = if it.id.is_some() { w.edit_contact } else { w.new_contact };
    let (action, back) = match it.id {
        Some(id) => (format!("/contacts/{id}/edit"), format!("/contacts/{id}")),
        None => ("/contacts/new".to_owned(), "/contacts".to_owned()),
    };
    let fields = html! {
        div class="head" {
            h1 { (title) }
            div class="acts" { button class="main" { (w.save) } a class="button" href=(back) { (w.cancel) } }
        }
        input type="hidden" name="revision" value=(it.revision);
        @if it.id.is_none() { input type="hidden" name=(NUMBER) value=(form.get(NUMBER)); }
        (alert(form, is_field))
        @if let Some(now) = it.now { (conflict(p, form, now)) }
        (names(p, it, form))
        @for (list, _) in LISTS.iter().take(3) { (entries(p, form, list, &action)) }
        div class="columns" {
            (dates::field(p, form, "birthday", w.birthday))
            (Input { name: "labels", label: w.labels, hint: w.labels_hint, ..Input::default() }.show(form))
            @if !it.known_labels.is_empty() { ul class="chips suggest" data-for="labels" { @for (label, _) in labels::often(it.known_labels) { li { (label) } } } }
            (Input { name: "additional_data", label: w.additional_data, ..Input::default() }.area(form, 4))
        }
        (more(p, form, &action))
        (suggestions(p))
    };
    shell(p, title, &html! {}, &p.post_file(&action, "edit", &fields))
}

/// True for the name of a field that says something of a contact.
pub fn is_field(name: &str) -> bool {
    let list = |list: &str| name.strip_prefix(list).is_some_and(|rest| rest.starts_with('.'));
    SINGLE.contains(&name)
        || ["labels", "photo"].contains(&name)
        || LISTS.iter().any(|(it, _)| list(it))
}

fn names(p: &Page, it: &Edited, form: &Form) -> Markup {
    let w = p.w;
    let text = |name, label| Input { name, label, ..Input::default() }.show(form);
    let rare = ["prefix", "middle_name", "suffix", "nickname", "department"];
    html! {
        fieldset {
            legend class="quiet" { (w.name) }
            div class="columns" {
                (Input { name: "first_name", label: w.first_name, focus: it.id.is_none(), ..Input::default() }.show(form))
                (text("last_name", w.last_name))
                (text("organization", w.organization))
                (text("job_title", w.job_title))
            }
            details open[rare.iter().any(|name| !form.get(name).is_empty() || form.fault_of(name).is_some())] {
                summary { (w.more_names) }
                div class="columns" {
                    (text("prefix", w.prefix)) (text("middle_name", w.middle_name)) (text("suffix", w.suffix))
                    (text("nickname", w.nickname)) (text("department", w.department))
                }
            }
            (photo(p, it, form))
        }
    }
}

fn photo(p: &Page, it: &Edited, form: &Form) -> Markup {
    let w = p.w;
    html! {
        div class="photo" {
            @if let (Some(id), true) = (it.id, it.has_photo) {
                img class="face large" src={ "/contacts/" (id) "/photo" } alt=(w.photo) width="96" height="96";
                label { input type="checkbox" name="photo.remove" value="1" checked[!form.get("photo.remove").is_empty()]; " " (w.photo_remove) }
            }
            (Input { name: "photo", label: w.photo, hint: w.photo_hint, ..Input::default() }.file(form, PICTURES))
            @if form.has(PHOTO_SENT) && form.fault_of("photo").is_none() { p class="fault" { (w.photo_again) } }
        }
    }
}

/// A list with a row for each entry and one to write in. Without the script "Add another" sends the form to
/// `action`, and comes back to the list.
fn entries(p: &Page, form: &Form, list: &str, action: &str) -> Markup {
    let w = p.w;
    let rows = form.rows(list).max(1);
    html! {
        fieldset id=(list) data-list=(list) {
            legend { (w.member(list)) }
            @if let Some(fault) = form.fault_of(list) { p class="fault" { (fault) } }
            @for at in 0..rows { (row(p, form, list, at)) }
            button class="plain" name="row" value={ (list) "." (rows) } formaction={ (action) "#" (list) } data-add formnovalidate { (icon("plus")) (w.add_row) }
        }
    }
}

fn row(p: &Page, form: &Form, list: &str, at: usize) -> Markup {
    let w = p.w;
    let name = |part: &str| format!("{list}.{at}.{part}");
    let (value, label) = (name("value"), name("label"));
    // No `type=email` and `type=url`: a browser would not send what a phone or a file brought, and the server takes.
    let field = |name: &str, label: &str, class: &str, inputmode: &str, suggestions: &str| {
        Input { name, label, class, inputmode, list: suggestions, quiet: true, ..Input::default() }
            .show(form)
    };
    let primary = form.get(&format!("{list}.primary"));
    html! {
        div class="entry" data-row {
            @match list {
                "addresses" => (address(p, form, at)),
                "dates" => (dates::field(p, form, &value, "")),
                "online" => { (field(&name("service"), w.service, "short", "", "services")) (field(&value, w.online_name, "", "", "")) },
                "emails" => (field(&value, w.email, "", "email", "")),
                "phones" => (field(&value, w.phone, "", "tel", "")),
                "urls" => (field(&value, w.url, "", "url", "")),
                _ => (field(&value, w.relation, "", "", "")),
            }
            (field(&label, w.label, "short", "", if list == "phones" { "phone-labels" } else { "labels-of-entries" }))
            @if WITH_PRIMARY.contains(&list) {
                label class="main-one" {
                    input type="radio" name={ (list) ".primary" } value=(at) checked[primary == at.to_string() || (primary.is_empty() && at == 0)];
                    " " (w.primary)
                }
            }
            button class="plain remove" name="remove" value={ (list) "." (at) } data-remove formnovalidate aria-label={ (w.remove) " " (at + 1) } { "✕" }
        }
    }
}

fn address(p: &Page, form: &Form, at: usize) -> Markup {
    let w = p.w;
    let parts = [
        ("street", w.street),
        ("extended", w.extended),
        ("postal_code", w.postal_code),
        ("city", w.city),
        ("region", w.region),
        ("country", w.country),
    ];
    let po_box = format!("addresses.{at}.po_box");
    html! {
        div class="address" {
            @for (part, label) in parts {
                (Input { name: &format!("addresses.{at}.{part}"), label, ..Input::default() }.show(form))
            }
            // Few have one; who has it may take it away.
            @if form.has(&po_box) { (Input { name: &po_box, label: w.po_box, ..Input::default() }.show(form)) }
        }
    }
}

/// What few contacts have.
fn more(p: &Page, form: &Form, action: &str) -> Markup {
    let rare = LISTS.iter().skip(3).map(|(list, _)| *list);
    html! {
        details class="more" open[rare.clone().any(|list| form.rows(list) > 0)] {
            summary { (p.w.more_fields) }
            @for list in rare { (entries(p, form, list, action)) }
        }
    }
}

fn suggestions(p: &Page) -> Markup {
    let w = p.w;
    let list = |id: &str, words: &[&str]| {
        html! {
            datalist id=(id) { @for word in words { option value=(w.label_name(word)) {} } }
        }
    };
    html! {
        (list("phone-labels", &["mobile", "home", "work", "main", "fax", "other"]))
        (list("labels-of-entries", &["home", "work", "other"]))
        (list("services", &["matrix", "signal", "telegram", "whatsapp", "skype", "xmpp", "mastodon", "linkedin"]))
    }
}

/// What a field says, to be read: of the main entry of several, which one that is.
fn said(form: &Form, name: &str) -> String {
    let Some(list) = name.strip_suffix(".primary") else {
        return form.get(name).replace("\r\n", "\n");
    };
    let main = form.get(name);
    let parts = ["value", "street", "city"].map(|part| form.get(&format!("{list}.{main}.{part}")));
    let value = parts.into_iter().find(|value| !value.is_empty() && form.rows(list) > 1);
    value.unwrap_or_default().to_owned()
}

/// Where two forms of a contact differ: the name of the field, and what each says there, as both would be
/// stored: without empty rows, dates without years that are not known.
fn differences(w: &Words, mine: &Form, theirs: &Form) -> Vec<(String, String, String)> {
    let [mine, theirs] = [mine, theirs].map(|form| form_of(w, &json_of(w, form).0));
    let mut names: Vec<&str> =
        mine.pairs().iter().chain(theirs.pairs()).map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let fields = names.into_iter().filter(|name| is_field(name));
    let both = fields.map(|name| (name.to_owned(), said(&mine, name), said(&theirs, name)));
    both.filter(|(_, mine, theirs)| mine != theirs).collect()
}

/// What such a field is called: of a list's entries, which one and what of it.
fn title(w: &Words, name: &str) -> String {
    let Some((list, rest)) = name.split_once('.') else { return w.member(name).to_owned() };
    let (number, part) = rest.split_once('.').unwrap_or(("", rest));
    let number = number.parse::<usize>().map_or(String::new(), |at| format!(" {}", at + 1));
    let part = if part == "value" { String::new() } else { format!(": {}", w.member(part)) };
    format!("{}{number}{part}", w.member(list))
}

/// Both states of a contact that was changed by two, where they differ.
fn conflict(p: &Page, mine: &Form, theirs: &Form) -> Markup {
    let w = p.w;
    let shown = |name: &str, value: &str| match PartialDate::parse(value) {
        Some(date) if name == "birthday" || name.starts_with("dates.") => partial(p, date),
        _ => or_dash(value).to_owned(),
    };
    html! {
        div class="alert" role="alert" {
            p { strong { (w.conflict) } " " (w.conflict_text) }
            table {
                thead { tr { th { (w.field) } th { (w.theirs) } th { (w.mine) } } }
                tbody {
                    @for (name, mine, theirs) in differences(w, mine, theirs) {
                        tr { th scope="row" { (title(w, &name)) } td { (lines(&shown(&name, &theirs))) } td { (lines(&shown(&name, &mine))) } }
                    }
                }
            }
        }
    }
}
