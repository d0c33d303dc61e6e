//! Contacts come in from a file and go out as one. The import has two steps, between which the file lies
//! in the database: one for an account, an hour at most.

use crate::access::Visitor;
use crate::context::Call;
use crate::db::Conn;
use crate::error::{Conflict, Error, Result};
use crate::handlers::rest::{exports, imports};
use crate::handlers::web::reader::{self, caller, owner, words};
use crate::handlers::web::sent::{self, Sent};
use crate::http::Reply;
use crate::markup::files::{self, Column, FileRow, Found, Verdict};
use crate::markup::form::Form;
use crate::markup::words::Words;
use crate::model::contact::input::LABEL_MAX;
use crate::model::contact::latest_date;
use crate::model::text;
use crate::repository::audit::Action;
use crate::repository::contacts::books;
use crate::repository::uploads::{self, Upload};
use crate::service::import::{self, Fate, Options, Outcome};
use crate::service::labels::in_use;
use crate::service::writer::By;
use vcard::table;

/// `GET /import`
pub fn choose(call: &Call, visitor: &Visitor) -> Result<Reply> {
    caller(visitor)?;
    Ok(reader::show(call, files::choose(&reader::page(call, visitor), &Form::default())))
}

/// `POST /import`: the file is kept, and looked at on the next page.
pub fn keep(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let Sent { form, file } = sent::by_caller(call, visitor)?;
    let caller = caller(visitor)?;
    let label = text::line(form.get("label"), 0, LABEL_MAX);
    let label = label.map_err(|why| Error::invalid("label", why));
    let kept = file.ok_or_else(|| Error::invalid("file", "is required")).and_then(|file| {
        let label = label?;
        if columns(&file).is_empty() {
            import::read(&file, "", None, &[], latest_date(call.now))?;
        }
        let most = call.app.config.max_storage;
        let put = |db: &mut Conn| uploads::put(db, caller.id(), &file, &label, call.now, most);
        match call.app.db.write(put)? {
            true => Ok(()),
            false => Err(Error::Conflict(Conflict::QuotaExceeded)),
        }
    });
    match kept {
        Ok(()) => Ok(reader::go("/import/found")),
        Err(error) => sent::again(call, visitor, form, error, |p, form| Ok(files::choose(p, form))),
    }
}

/// The columns of a table that is not known: of some of them, most often, nobody knows what they are.
fn columns(file: &[u8]) -> Vec<table::Column> {
    if vcard::has_cards(file) || file.trim_ascii_start().starts_with(b"[") {
        return Vec::new();
    }
    let (text, _) = vcard::decode(file, None);
    let columns = table::columns(&text).unwrap_or_default();
    let unknown =
        columns.iter().filter(|column| column.member.is_none() && !column.samples.is_empty());
    // Programs that are known write a few columns that are not.
    if unknown.count() * 4 > columns.len() { columns } else { Vec::new() }
}

/// The kept file, if it is the one that a form speaks of.
fn kept(call: &Call, owner: i64, key: Option<&str>) -> Result<Option<Upload>> {
    let found = call.app.db.read(|db| uploads::find(db, owner, call.now))?;
    Ok(found.filter(|it| key.is_none_or(|key| key == it.key())))
}

/// What would come of a file, or comes of it.
fn run(
    call: &Call,
    visitor: &Visitor,
    file: &Upload,
    form: &Form,
    dry_run: bool,
) -> Result<(Outcome, Found)> {
    let (owner, by) = owner(call, visitor)?;
    let by = By { protocol: "import", ..by };
    let columns = columns(&file.content);
    let chosen = |at: usize, column: &table::Column| match form.has(&format!("map.{at}")) {
        true => form.get(&format!("map.{at}")).to_owned(),
        false => column.member.clone().unwrap_or_default(),
    };
    let chosen: Vec<_> =
        columns.iter().enumerate().map(|(at, column)| chosen(at, column)).collect();
    let map: Vec<_> = columns
        .iter()
        .zip(&chosen)
        .map(|(column, member)| (column.name.clone(), member.clone()))
        .collect();
    let label = Some(form.get("label").trim()).filter(|label| !label.is_empty());
    let label = label.map(|label| text::line(label, 1, LABEL_MAX)).transpose();
    let existing = Some(form.get("existing"))
        .filter(|text| !text.is_empty())
        .map(imports::existing)
        .transpose();
    let options = Options {
        dry_run,
        label: label.map_err(|why| Error::invalid("label", why))?,
        existing: existing.map_err(|why| Error::invalid("existing", why))?.unwrap_or_default(),
    };
    let source = import::read(&file.content, "", None, &map, latest_date(call.now))?;
    let format = source.format;
    let outcome = import::store(&call.app, owner.id(), &by, source, &options, |tx| {
        call.audit(tx, Action::Imported, Some(owner.id()), Some(owner.id()))
    })?;
    let column = |(column, member): (table::Column, String)| Column {
        title: column.name,
        member,
        sample: column.samples.into_iter().next().unwrap_or_default(),
    };
    let columns = columns.into_iter().zip(chosen).map(column).collect();
    Ok((outcome, Found { format: format.to_owned(), columns, ..Found::default() }))
}

/// What was found, for the page.
fn shown(outcome: Outcome, found: Found) -> Found {
    let number = |n: usize| n as i64;
    let verdict = |fate| match fate {
        Fate::New => Verdict::New,
        Fate::Changes(id) => Verdict::Changes(id),
        Fate::Known(id) => Verdict::Known(id),
    };
    let rows = outcome.rows.into_iter().map(|it| FileRow {
        line: it.line,
        name: it.name,
        about: it.about,
        verdict: verdict(it.fate),
    });
    let faults = number(outcome.errors.len());
    let wrong = outcome.errors.into_iter();
    let wrong = wrong.map(|it| FileRow {
        line: it.line,
        name: String::new(),
        about: String::new(),
        verdict: Verdict::Fault(it.detail),
    });
    let mut rows: Vec<_> = rows.chain(wrong).collect();
    rows.sort_by_key(|row| row.line);
    Found {
        new: number(outcome.created),
        updated: number(outcome.updated),
        duplicates: number(outcome.skipped_duplicates),
        faults,
        rows,
        warnings: outcome.warnings.into_iter().map(|it| (it.line, it.detail)).collect(),
        ..found
    }
}

/// `GET /import/found`: what would come of the file.
pub fn found(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let Some(file) = kept(call, caller(visitor)?.id(), None)? else {
        return Ok(reader::go("/import"));
    };
    let mut form = Form::default();
    form.set("key", &file.key());
    form.set("label", &file.label);
    look(call, visitor, &file, form).map(|page| reader::show(call, page))
}

/// The page; with faults in the form when the file cannot be read so.
fn look(call: &Call, visitor: &Visitor, file: &Upload, mut form: Form) -> Result<maud::Markup> {
    let page = reader::page(call, visitor);
    let found = match run(call, visitor, file, &form, true) {
        Ok((outcome, found)) => shown(outcome, found),
        Err(error) => {
            sent::note(page.w, &mut form, error)?;
            let column = |it: table::Column| Column {
                title: it.name,
                member: it.member.unwrap_or_default(),
                sample: it.samples.into_iter().next().unwrap_or_default(),
            };
            Found {
                columns: columns(&file.content).into_iter().map(column).collect(),
                ..Found::default()
            }
        }
    };
    Ok(files::found(&page, &found, &form))
}

/// `POST /import/found`: looks again with other columns, or takes the file in.
pub fn import(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let form = sent::by_caller(call, visitor)?.form;
    let id = caller(visitor)?.id();
    let w = words(call, visitor);
    let Some(file) = kept(call, id, Some(form.get("key")))? else {
        return reader::go_with_message(call, visitor, "/import", w.no_file, None);
    };
    if form.get("step") == "look" {
        return look(call, visitor, &file, form).map(|page| reader::show(call, page));
    }
    match run(call, visitor, &file, &form, false) {
        Ok((outcome, _)) => {
            call.app.db.write(|db| uploads::delete(db, id))?;
            reader::go_with_message(
                call,
                visitor,
                "/contacts",
                report(w, &outcome),
                Some(outcome.undo),
            )
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
