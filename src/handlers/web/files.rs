//! Contacts come in from a file and go out as one. The import has two steps, between which the file lies
//! in the database with what was found in it: one for an account, an hour at most.

use crate::access::Visitor;
use crate::context::Call;
use crate::error::{Error, Result};
use crate::handlers::rest::{exports, imports};
use crate::handlers::web::reader::{self, caller, owner, revision, words};
use crate::handlers::web::sent::{self, Sent};
use crate::http::Reply;
use crate::limits::{self, Limit};
use crate::markup::files::{self, Column, FileRow, Found, Verdict};
use crate::markup::form::Form;
use crate::markup::words::Words;
use crate::model::contact::input::LABEL_MAX;
use crate::model::contact::latest_date;
use crate::model::text;
use crate::repository::audit::Action;
use crate::repository::contacts::books;
use crate::repository::uploads::{self, Upload};
use crate::service::duplicates;
use crate::service::import::{self, Fate, Options, Outcome};
use crate::service::labels::in_use;
use crate::service::writer::By;
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use vcard::table;

/// Notes on a page, beside those on the cards that it shows.
const NOTES_MAX: usize = 10;
/// Characters of a name or a remark that it keeps.
const TEXT_MAX: usize = 200;

/// `GET /import`
pub fn choose(call: &Call, visitor: &Visitor) -> Result<Reply> {
    caller(visitor)?;
    Ok(reader::show(call, files::choose(&reader::page(call, visitor), &Form::default())))
}

/// `POST /import`: the file is kept, with what would come of it for the next page.
pub fn keep(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let Sent { form, file } = sent::by_caller(call, visitor)?;
    match store(call, visitor, &form, file) {
        Ok(()) => Ok(reader::go("/import/found")),
        Err(error) => sent::again(call, visitor, form, error, |p, form| Ok(files::choose(p, form))),
    }
}

fn store(call: &Call, visitor: &Visitor, form: &Form, file: Option<Vec<u8>>) -> Result<()> {
    let id = caller(visitor)?.id();
    let file = file.ok_or_else(|| Error::invalid("file", "is required"))?;
    let label = text::line(form.get("label"), 0, LABEL_MAX);
    let label = label.map_err(|why| Error::invalid("label", why))?;
    let revision = revision(call, id)?;
    let found = match run(call, visitor, &file, form, true) {
        Ok((outcome, found)) => {
            serde_json::to_string(&shown(outcome, found)).map_err(Error::internal)?
        }
        // The next page asks what its columns are.
        Err(_) if !columns(&file).is_empty() => String::new(),
        Err(error) => return Err(error),
    };
    let upload = Upload { label, at: call.now, found, revision };
    call.app.db.write(|db| uploads::put(db, id, &file, &upload))
}

/// The columns of a table that is not known: of some of them, most often, nothing says what they are.
fn columns(file: &[u8]) -> Vec<table::Column> {
    if vcard::has_cards(file) || file.trim_ascii_start().starts_with(b"[") {
        return Vec::new();
    }
    let (text, _) = vcard::decode(file, None);
    let columns = table::columns(&text).unwrap_or_default();
    let unknown =
        columns.iter().filter(|column| column.member.is_none() && !column.samples.is_empty());
    // Programs that are known write a few columns that are not.
    if unknown.count() * 4 > columns.len() { of_each_name(columns) } else { Vec::new() }
}

/// One column of each name, with the examples of all: a map names columns, and so means all of one name. Of a name
/// its letters and its first number count.
fn of_each_name(columns: Vec<table::Column>) -> Vec<table::Column> {
    let (mut found, mut places) = (Vec::<table::Column>::new(), HashMap::new());
    for mut column in columns {
        let letters: String =
            vcard::fold(&column.name).chars().filter(|c| c.is_alphabetic()).collect();
        let digits = column.name.split(|c: char| !c.is_ascii_digit()).find(|it| !it.is_empty());
        let number = digits.and_then(|digits| digits.parse::<u32>().ok());
        let at = *places.entry((letters, number)).or_insert(found.len());
        match found.get_mut(at) {
            Some(known) => known.samples.append(&mut column.samples),
            None => found.push(column),
        }
    }
    found
}

/// What each column is, as the form says or as it was guessed.
fn mapped(w: &Words, file: &[u8], form: &Form) -> Vec<Column> {
    let column = |(at, it): (usize, table::Column)| {
        let (name, guess) = (format!("map.{at}"), it.member.unwrap_or_default());
        Column {
            member: match form.has(&name) {
                true => files::member(w, form.get(&name), &guess),
                false => guess.clone(),
            },
            guess,
            title: it.name,
            sample: it.samples.into_iter().next().unwrap_or_default(),
        }
    };
    columns(file).into_iter().enumerate().map(column).collect()
}

/// What would come of a file, or comes of it.
fn run(
    call: &Call,
    visitor: &Visitor,
    file: &[u8],
    form: &Form,
    dry_run: bool,
) -> Result<(Outcome, Found)> {
    let (owner, by) = owner(call, visitor)?;
    let by = By { protocol: "import", ..by };
    let columns = mapped(words(call, visitor), file, form);
    // Of a column that is left as guessed the header says more than the member's name does: in which language it is, and
    // so in which order its dates are.
    let changed = columns.iter().filter(|it| it.member != it.guess);
    let map: Vec<_> = changed.map(|it| (it.title.clone(), it.member.clone())).collect();
    let given = |name| Some(form.get(name).trim()).filter(|text| !text.is_empty());
    let label = given("label").map(|label| text::line(label, 1, LABEL_MAX)).transpose();
    let existing = given("existing").map(imports::existing).transpose();
    let options = Options {
        dry_run,
        label: label.map_err(|why| Error::invalid("label", why))?,
        existing: existing.map_err(|why| Error::invalid("existing", why))?.unwrap_or_default(),
        skip: files::place(form, "rows"),
    };
    let source = import::read(file, "", None, &map, latest_date(call.now))?;
    let format = source.format.to_owned();
    let outcome = import::store(&call.app, owner.id(), &by, source, &options, |tx| {
        call.audit(tx, Action::Imported, Some(owner.id()), Some(owner.id()))
    })?;
    let charset = vcard::charset_of(file).to_owned();
    let skip = options.skip;
    Ok((outcome, Found { format, charset, columns, skip, ..Found::default() }))
}

/// What was found, for the page.
fn shown(outcome: Outcome, found: Found) -> Found {
    let number = |n: usize| n as i64;
    let short = |text: String| text.chars().take(TEXT_MAX).collect::<String>();
    let verdict = |fate| match fate {
        Fate::New => Verdict::New,
        Fate::Changes(id) => Verdict::Changes(id),
        Fate::Known(id) => Verdict::Known(id),
    };
    let faults = number(outcome.errors.len());
    let remarked: BTreeSet<_> = outcome.warnings.iter().map(|it| it.line).collect();
    let mut rows: Vec<_> = outcome
        .rows
        .into_iter()
        .map(|it| FileRow {
            line: it.line,
            name: short(it.name),
            about: short(it.about),
            verdict: verdict(it.fate),
            remarks: Vec::new(),
        })
        .collect();
    let note = |it: import::Note, verdict| FileRow {
        line: it.line,
        verdict,
        remarks: vec![short(it.detail)],
        ..FileRow::default()
    };
    // Faults and remarks have pages of their own length beside those of the cards.
    let page =
        found.skip / import::ROWS_MAX * NOTES_MAX..(found.skip / import::ROWS_MAX + 1) * NOTES_MAX;
    let all = rows.len() + found.skip;
    let more = outcome.created + outcome.updated + outcome.skipped_duplicates > all
        || outcome.errors.len() + outcome.warnings.len() > page.end;
    let errors = outcome.errors.into_iter().map(|it| note(it, Verdict::Fault));
    let notes: Vec<_> =
        errors.chain(outcome.warnings.into_iter().map(|it| note(it, Verdict::Remark))).collect();
    for (number, it) in notes.into_iter().enumerate() {
        match rows.iter_mut().find(|row| row.line == it.line && it.verdict == Verdict::Remark) {
            Some(row) => row.remarks.extend(it.remarks),
            None if page.contains(&number) => rows.push(it),
            None => {}
        }
    }
    rows.sort_by_key(|row| row.line);
    Found {
        new: number(outcome.created),
        updated: number(outcome.updated),
        duplicates: number(outcome.skipped_duplicates),
        faults,
        remarks: number(remarked.len()),
        rows,
        next: more.then_some(found.skip + import::ROWS_MAX),
        ..found
    }
}

/// `GET /import/found`: what would come of the file.
pub fn found(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let id = caller(visitor)?.id();
    let Some(file) = call.app.db.read(|db| uploads::find(db, id, call.now))? else {
        return reader::go_saying(call, visitor, "/import", words(call, visitor).no_file);
    };
    let mut form = Form::default();
    form.set("key", &file.key());
    form.set("label", &file.label);
    match serde_json::from_str(&file.found) {
        Ok(found) if revision(call, id)? == file.revision => {
            Ok(reader::show(call, files::found(&reader::page(call, visitor), &found, &form)))
        }
        _ => Ok(reader::show(call, look(call, visitor, &content(call, id, &file)?, form)?)),
    }
}

fn content(call: &Call, owner: i64, file: &Upload) -> Result<Vec<u8>> {
    call.app.db.read(|db| uploads::content(db, owner, file))?.ok_or(Error::NotFound)
}

/// The page; with faults in the form when the file cannot be read so.
fn look(call: &Call, visitor: &Visitor, file: &[u8], mut form: Form) -> Result<maud::Markup> {
    let page = reader::page(call, visitor);
    let found = match run(call, visitor, file, &form, true) {
        Ok((outcome, found)) => shown(outcome, found),
        Err(error) => {
            let columns = mapped(page.w, file, &form);
            for (at, _) in columns.iter().enumerate().filter(|(_, it)| it.is_unknown(page.w)) {
                form.fault(&format!("map.{at}"), page.w.sentence("is not a known member"));
            }
            if !form.is_faulty() {
                sent::note(page.w, &mut form, error)?;
            }
            Found { columns, ..Found::default() }
        }
    };
    Ok(files::found(&page, &found, &form))
}

/// `POST /import/found`: looks again with other columns, or takes the file in.
pub fn import(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let form = sent::by_caller(call, visitor)?.form;
    let id = caller(visitor)?.id();
    let w = words(call, visitor);
    let file = call.app.db.read(|db| uploads::find(db, id, call.now))?;
    let Some(upload) = file.filter(|it| it.key() == form.get("key")) else {
        return reader::go_saying(call, visitor, "/import", w.no_file);
    };
    let file = content(call, id, &upload)?;
    let step = form.get("step");
    // To turn the pages of what was looked at is not to look at a file.
    if !step.starts_with("rows.") {
        limits::count_also(call, Limit::Import, id)?;
    }
    if !["", "import"].contains(&step) {
        return look(call, visitor, &file, form).map(|page| reader::show(call, page));
    }
    match run(call, visitor, &file, &form, false) {
        Ok((outcome, _)) => {
            // At once: the search for duplicates takes its time, and what others change meanwhile is not
            // to be undone with the import unasked.
            let undo =
                outcome.undo.map(|before| reader::undo(call, id, before)).transpose()?.flatten();
            call.app.db.write(|db| uploads::delete(db, id, &upload))?;
            let alike = duplicates::kept(&call.app, id).map_or(0, |groups| groups.len());
            let text = report(w, &outcome);
            let message = json!({ "text": text, "undo": undo, "duplicates": alike });
            reader::hand(call, visitor, "/contacts", &message)
        }
        Err(error @ (Error::Invalid(_) | Error::Malformed(_) | Error::Conflict(_))) => {
            look(call, visitor, &file, form).map(|page| reader::refuse(&error, page))
        }
        Err(error) => Err(error),
    }
}

fn report(w: &Words, outcome: &Outcome) -> String {
    let parts = [
        (w.imported, outcome.created),
        (w.and_changed, outcome.updated),
        (w.and_skipped, outcome.skipped_duplicates),
        (w.and_faults, outcome.errors.len()),
    ];
    let report = parts.into_iter().enumerate().filter(|(at, (_, n))| *at == 0 || *n > 0);
    report.map(|(_, (words, n))| w.n(words, n as i64)).collect::<Vec<_>>().join(" ")
}

/// `GET /export`
pub fn export(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (owner, _) = owner(call, visitor)?;
    let labels = in_use(&call.app, owner.id())?;
    let total = call.app.db.read(|db| books::count(db, owner.id()))?;
    Ok(reader::show(call, files::export(&reader::page(call, visitor), &labels, total)))
}

/// `GET /export/file`
pub fn download(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (owner, _) = owner(call, visitor)?;
    exports::contacts(call, &owner)
}
