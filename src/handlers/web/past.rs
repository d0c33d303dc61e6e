//! The trash and the book's history, and the way back.

use crate::access::Visitor;
use crate::context::Call;
use crate::error::{Error, Result};
use crate::handlers::web::contacts::{row, who};
use crate::handlers::web::reader::{self, owner, revision, words};
use crate::handlers::web::sent;
use crate::http::Reply;
use crate::markup::past::{self, Batch, Stretch};
use crate::markup::queries;
use crate::repository::contacts::past as rows;
use crate::service::contacts::{Action, bulk};
use crate::service::history::{Rewound, To, reachable_since, rewind};
use chrono::TimeDelta;

/// Between two contacts of the trash that were deleted together lies less than this.
const TOGETHER: TimeDelta = TimeDelta::minutes(10);

/// `GET /trash`
pub fn trash(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (owner, _) = owner(call, visitor)?;
    let mut query = call.query()?;
    let mut slice = query.slice();
    query.finish()?;
    slice.limit = 50;
    let (contacts, total) = call.app.db.read(|db| rows::trash(db, owner.id(), slice))?;
    // Those on this page were restored since.
    if slice.skip > 0 && contacts.is_empty() {
        return Ok(reader::go("/trash"));
    }
    let more = slice.skip + (contacts.len() as i64) < total;
    let next = more.then(|| format!("skip={}", slice.skip + slice.limit));
    // Deleted together: by one program, none long after the one before. A phone deletes one by one.
    let same = |a: &rows::Deleted, b: &rows::Deleted| {
        a.at - b.at < TOGETHER && (&a.protocol, &a.client) == (&b.protocol, &b.client)
    };
    let groups: Vec<_> = contacts.chunk_by(same).collect();
    let w = words(call, visitor);
    let mut batches = Vec::new();
    for (number, batch) in groups.iter().enumerate() {
        // The first and the last may go on before and after this page.
        let whole = (number > 0 || slice.skip == 0) && (number + 1 < groups.len() || !more);
        let named =
            batch.iter().map(|it| Ok((it.contact.id, row(call, owner.id(), &it.contact)?.name)));
        let contacts = named.collect::<Result<_>>()?;
        let by = batch.first().map(|it| (it.at, who(w, &it.protocol, &it.client)));
        batches.extend(by.map(|(at, by)| Batch { at, by, whole, contacts }));
    }
    Ok(reader::show(
        call,
        past::trash(&reader::page(call, visitor), &batches, total, next.as_deref()),
    ))
}

/// `POST /trash/restore`: one, all that a group shows, or those selected.
pub fn restore(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (form, owner, by) = sent::by_owner(call, visitor)?;
    let wanted = ["one", "all"].into_iter().find(|name| form.has(name)).unwrap_or("ids");
    let ids = form.all(wanted).flat_map(|ids| ids.split(','));
    let ids: Vec<i64> = ids.filter_map(|id| id.parse().ok()).collect();
    let w = words(call, visitor);
    if ids.is_empty() {
        return reader::go_saying(call, visitor, "/trash", w.none_selected);
    }
    let before = revision(call, owner.id())?;
    // What a second click finds back in the book was restored by the first one.
    let (_, missing) = bulk(&call.app, owner.id(), &by, &Action::Restore, &ids)?;
    let restored = ids.len().saturating_sub(missing.len());
    reader::go_undoable(call, visitor, "/trash", w.n(w.restored, restored as i64), before)
}

/// `GET /history`
pub fn history(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (owner, _) = owner(call, visitor)?;
    let mut query = call.query()?;
    let before = query.number("before", i64::MAX, 0..=i64::MAX);
    query.finish()?;
    let (found, next) = call.app.db.read(|db| {
        let since = reachable_since(db, owner.id(), call.now)?;
        rows::stretches(db, owner.id(), since, before)
    })?;
    // What was on this page is too long ago by now.
    if before < i64::MAX && found.is_empty() {
        return Ok(reader::go("/history"));
    }
    let w = words(call, visitor);
    let stretch = |it: rows::Stretch| Stretch {
        at: it.at,
        by: who(w, &it.protocol, &it.client),
        made: it.made,
        changed: it.changed,
        deleted: it.deleted,
        several: it.several,
        is_there: it.is_there,
        name: it.contact,
        before: it.first - 1,
    };
    let found: Vec<_> = found.into_iter().map(stretch).collect();
    let next = next.map(|before| format!("before={before}"));
    Ok(reader::show(call, past::history(&reader::page(call, visitor), &found, next.as_deref())))
}

fn to(text: &str) -> Result<To> {
    let revision = text.parse().map_err(|_| Error::invalid("to", "must be a revision"))?;
    Ok(To::Revision(revision))
}

/// `GET /history/rewind`: what it would do.
pub fn ask(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (owner, by) = owner(call, visitor)?;
    let mut query = call.query()?;
    let wish = query.text("to").unwrap_or_default();
    query.finish()?;
    let seen = revision(call, owner.id())?;
    let Rewound { restored, reverted, deleted } =
        rewind(&call.app, owner.id(), &by, to(&wish)?, true)?;
    let [restored, reverted, deleted] = [restored, reverted, deleted].map(|n| n as i64);
    Ok(reader::show(
        call,
        past::rewind(&reader::page(call, visitor), (&wish, seen), restored, reverted, deleted),
    ))
}

/// `POST /history/rewind`: the book as it was then, and back again by "Undo". Where something else has
/// happened since what is to be undone, or since it was asked, it is asked first.
pub fn go_back(call: &Call, visitor: &Visitor) -> Result<Reply> {
    let (form, owner, mut by) = sent::by_owner(call, visitor)?;
    by.protocol = "rewind";
    let before = revision(call, owner.id())?;
    let w = words(call, visitor);
    let wish = to(form.get("to"))?;
    let text = if form.has("undo") { w.undone } else { w.rewound };
    let seen = ["undo", "seen"].into_iter().find_map(|name| form.get(name).parse().ok());
    let to = match (wish, seen) {
        (To::Revision(to), Some(now)) => To::Undo { to, now },
        (to, _) => to,
    };
    match rewind(&call.app, owner.id(), &by, to, false) {
        Err(Error::PreconditionFailed) => {
            // A second click finds nothing left to take back.
            if rewind(&call.app, owner.id(), &by, wish, true)? != Rewound::default() {
                let query = queries::query(&[("to", form.get("to"))]);
                let ask = format!("/history/rewind?{query}");
                let why = w.sentence("The address book was changed in the meantime.");
                return reader::go_saying(call, visitor, ask, why);
            }
        }
        rewound => rewound.map(|_| ())?,
    }
    reader::go_undoable(call, visitor, reader::way_on(form.get("back")), text, before)
}
