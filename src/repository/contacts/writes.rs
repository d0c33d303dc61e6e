//! Writes rows of `contacts`, one or many at once. A change puts what was there before into `history`
//! in the same statement.

use crate::db::{Conn, Params, Tx};
use crate::error::Result;
use crate::model::contact::Columns;
use crate::model::contact::columns::VERSION;
use chrono::{DateTime, Utc};
use postgres::Row;
use postgres::types::ToSql;

/// Who changes something, with what, and when.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// `rest`, `carddav`, `web`, `import`, `merge`, `rewind`.
    pub protocol: &'a str,
    /// The app password's name, or the User-Agent.
    pub client: &'a str,
    /// Read after the book was locked; of `add` before.
    pub at: DateTime<Utc>,
}

/// A row to be written: the card, what is made of it, and the revision that it takes.
#[derive(Debug)]
pub struct NewRow {
    /// Of the contact that changes; 0 for a new one.
    pub id: i64,
    /// Taken from the locked book; `add` takes it itself.
    pub revision: i64,
    /// See `Stored::resource`.
    pub resource: Option<Vec<u8>>,
    /// vCard 3.0.
    pub text: String,
    /// `Columns::of` this card.
    pub columns: Columns,
}

/// What a statement did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows that changed.
    pub rows: i64,
    /// Bytes of the cards that went into the history.
    pub bytes: i64,
}

fn written(row: &Row) -> Written {
    Written { rows: row.get("rows"), bytes: row.get("bytes") }
}

/// Rows as arrays, one a column, with which a statement takes many at once.
struct Arrays<'a>(Vec<Box<dyn ToSql + Sync + 'a>>);

impl<'a> Arrays<'a> {
    fn of(rows: &'a [NewRow]) -> Arrays<'a> {
        fn column<'a, T: ToSql + Sync + 'a>(
            rows: &'a [NewRow],
            of: impl Fn(&'a NewRow) -> T,
        ) -> Box<dyn ToSql + Sync + 'a> {
            Box::new(rows.iter().map(of).collect::<Vec<T>>())
        }
        Arrays(vec![
            column(rows, |it| it.id),
            column(rows, |it| it.revision),
            column(rows, |it| &it.resource),
            column(rows, |it| &it.text),
            column(rows, |it| &it.columns.uid),
            column(rows, |it| it.columns.is_group),
            column(rows, |it| &it.columns.members),
            column(rows, |it| &it.columns.sort_name),
            column(rows, |it| &it.columns.sort_more),
            column(rows, |it| &it.columns.folded),
            column(rows, |it| &it.columns.digits),
            column(rows, |it| &it.columns.label_keys),
            column(rows, |it| &it.columns.long_text),
            column(rows, |it| it.columns.birthday_key),
            column(rows, |it| it.columns.birthday_year),
            column(rows, |it| it.columns.photo_type),
        ])
    }

    /// The owner, the arrays ($2 to $17), the version of the function, and what comes after.
    fn with<'p>(&'p self, owner: &'p i64, more: Params<'p>) -> Vec<&'p (dyn ToSql + Sync)> {
        let arrays = self.0.iter().map(|array| &**array as &(dyn ToSql + Sync));
        let owner: &(dyn ToSql + Sync) = owner;
        [owner]
            .into_iter()
            .chain(arrays)
            .chain([&VERSION as _])
            .chain(more.iter().copied())
            .collect()
    }
}

/// What [`Arrays`] makes, as a table `new`.
macro_rules! new {
    () => {
        "unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::text[], $7::boolean[],
            $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
            $15::smallint[], $16::smallint[], $17::text[])
            AS new (id, revision, resource, card, uid, is_group, members, sort_name, sort_more, folded,
                digits, label_keys, long_text, birthday_key, birthday_year, photo_type)"
    };
}

/// The columns that are made from the card, set to those of `new`; but a row is a contact or a group for ever.
macro_rules! made_columns {
    () => {
        "made_by = $18, members = new.members, sort_name = new.sort_name,
            sort_more = new.sort_more, folded = new.folded, digits = new.digits,
            label_keys = new.label_keys, long_text = new.long_text,
            birthday_key = new.birthday_key,
            birthday_year = new.birthday_year, photo_type = new.photo_type"
    };
}

/// Adds contacts in their order; their ids in the order of their revisions.
pub fn insert(tx: &mut Tx, owner: i64, rows: &[NewRow], by: Origin) -> Result<Vec<i64>> {
    const SQL: &str = concat!(
        "INSERT INTO contacts (owner, revision, created_at, updated_at, born, born_by, born_client,
            made_by, resource, card, uid, is_group, members, sort_name, sort_more, folded, digits,
            label_keys, long_text, birthday_key, birthday_year, photo_type)
        SELECT $1, revision, $19, $19, revision, $20, $21, $18, resource, card, uid, is_group, members,
            sort_name, sort_more, folded, digits, label_keys, long_text, birthday_key, birthday_year,
            photo_type
        FROM ",
        new!(),
        " ORDER BY new.id, revision RETURNING id"
    );
    let arrays = Arrays::of(rows);
    let added = tx.query(SQL, &arrays.with(&owner, &[&by.at, &by.protocol, &by.client]))?;
    Ok(added.iter().map(|row| row.get(0)).collect())
}

/// Adds a contact and counts it in its book, in one statement: its id, revision and instant. None, and
/// nothing is done, where the book is at its limits (contacts, bytes) or has groups, which may wait for
/// the contact; `row.revision` is not looked at.
pub fn add(
    db: &mut Conn,
    owner: i64,
    row: &NewRow,
    by: Origin,
    (contacts, bytes): (i64, i64),
) -> Result<Option<(i64, i64, DateTime<Utc>)>> {
    const SQL: &str = "WITH book AS (
            UPDATE address_books SET revision = revision + 1, changed_at = greatest(changed_at + interval '1 microsecond', $2),
                contacts = contacts + 1, stored = stored + 1, made_by = least(made_by, $6),
                card_bytes = card_bytes + octet_length($5::text)
            WHERE owner = $1 AND groups = 0 AND stored < $20
                AND card_bytes + history_bytes + octet_length($5) <= $21
            RETURNING revision, changed_at
        )
        INSERT INTO contacts (owner, revision, created_at, updated_at, born, born_by, born_client, card,
            made_by, resource, uid, is_group, members, sort_name, sort_more, folded, digits, label_keys,
            long_text, birthday_key, birthday_year, photo_type)
        SELECT $1, revision, changed_at, changed_at, revision, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
            $13, $14, $15, $16, $17, $18, $19
        FROM book RETURNING id, revision, created_at";
    let it = &row.columns;
    let params: Params = &[
        &owner,
        &by.at,
        &by.protocol,
        &by.client,
        &row.text,
        &VERSION,
        &row.resource,
        &it.uid,
        &it.is_group,
        &it.members,
        &it.sort_name,
        &it.sort_more,
        &it.folded,
        &it.digits,
        &it.label_keys,
        &it.long_text,
        &it.birthday_key,
        &it.birthday_year,
        &it.photo_type,
        &contacts,
        &bytes,
    ];
    Ok(db.query_opt(SQL, params)?.map(|row| (row.get(0), row.get(1), row.get(2))))
}

/// Of `contacts` those that `new` names. Their first and last id are said too: so Postgres goes by the primary
/// key also where it takes the book for small.
macro_rules! named_by_new {
    ($first:literal, $last:literal) => {
        concat!(
            "owner = $1 AND contacts.id = new.id AND contacts.id BETWEEN ",
            $first,
            " AND ",
            $last
        )
    };
}

/// Keeps what contacts were before their change, which `new` names with its revision; of a group, if `members` is not
/// null, only who came or went.
macro_rules! keep_history {
    ($at:literal, $protocol:literal, $client:literal, $members:literal, $which:expr) => {
        concat!(
            "INSERT INTO history (owner, revision, contact, at, protocol, client, card, since, in_trash, by_members)
            SELECT $1, new.revision, contacts.id, ", $at, ", ", $protocol, ", ", $client, ",
                coalesce(", $members, ", contacts.card), contacts.updated_at, contacts.deleted_at IS NOT NULL,
                ", $members, " IS NOT NULL
            FROM contacts, new WHERE ", $which, " RETURNING ", super::history_bytes!(), " AS bytes"
        )
    };
}

macro_rules! written_sums {
    () => {
        " SELECT (SELECT count(*) FROM changed) AS rows,
            (SELECT coalesce(sum(bytes), 0)::bigint FROM was) AS bytes"
    };
}

/// The first and the last id.
fn bounds(ids: impl Iterator<Item = i64>) -> (i64, i64) {
    ids.fold((i64::MAX, i64::MIN), |(first, last), id| (first.min(id), last.max(id)))
}

/// Gives contacts other cards. With `in_trash` they lie in the trash from now on, otherwise those that did
/// come out of it. `members`: of one group, what history keeps in the place of its card.
pub fn update(
    tx: &mut Tx,
    owner: i64,
    rows: &[NewRow],
    by: Origin,
    in_trash: bool,
    members: Option<&str>,
) -> Result<Written> {
    const SQL: &str = concat!(
        "WITH new AS (SELECT * FROM ",
        new!(),
        "), was AS (",
        keep_history!("$19", "$20", "$21", "$25::text", named_by_new!("$23", "$24")),
        "), changed AS (
            UPDATE contacts SET revision = new.revision, updated_at = $19,
                deleted_at = CASE WHEN $22 THEN $19::timestamptz END,
                resource = new.resource, uid = new.uid, card = new.card, ",
        made_columns!(),
        " FROM new WHERE ",
        named_by_new!("$23", "$24"),
        " RETURNING 1
        )",
        written_sums!()
    );
    let arrays = Arrays::of(rows);
    let (first, last) = bounds(rows.iter().map(|row| row.id));
    let more: Params = &[&by.at, &by.protocol, &by.client, &in_trash, &first, &last, &members];
    Ok(written(&tx.query_one(SQL, &arrays.with(&owner, more))?))
}

/// Writes columns that were made anew; no change of the contact, so no revision and no history. The caller has
/// locked the book.
pub fn set_columns(tx: &mut Tx, owner: i64, rows: &[NewRow]) -> Result<u64> {
    const SQL: &str = concat!(
        "UPDATE contacts SET uid = new.uid, ",
        made_columns!(),
        " FROM ",
        new!(),
        " WHERE owner = $1 AND contacts.id = new.id"
    );
    tx.execute(SQL, &Arrays::of(rows).with(&owner, &[]))
}

/// Puts contacts into the trash, the first one with this revision, the next ones with the next.
pub fn bury(
    tx: &mut Tx,
    owner: i64,
    ids: &[i64],
    first_revision: i64,
    by: Origin,
) -> Result<Written> {
    const SQL: &str = concat!(
        "WITH new AS (
            SELECT id, $6::bigint - 1 + at AS revision FROM unnest($5::bigint[]) WITH ORDINALITY AS ids (id, at)
        ), was AS (",
        keep_history!("$2", "$3", "$4", "NULL", named_by_new!("$7", "$8")),
        "), changed AS (
            UPDATE contacts SET revision = new.revision, updated_at = $2, deleted_at = $2
            FROM new WHERE ",
        named_by_new!("$7", "$8"),
        " RETURNING 1
        )",
        written_sums!()
    );
    let (first, last) = bounds(ids.iter().copied());
    let params: Params =
        &[&owner, &by.at, &by.protocol, &by.client, &ids, &first_revision, &first, &last];
    Ok(written(&tx.query_one(SQL, params)?))
}

/// Gives a contact another name for CardDAV clients, and remembers that the old one is gone; that takes
/// the revision before `revision`, so that each revision is one thing.
pub fn rename(
    tx: &mut Tx,
    owner: i64,
    id: i64,
    revision: i64,
    names: (&[u8], Option<&[u8]>),
    by: Origin,
) -> Result<Written> {
    const SQL: &str = concat!(
        "WITH new AS (
            SELECT $5::bigint AS id, $6::bigint AS revision
        ), was AS (",
        keep_history!("$2", "$3", "$4", "NULL", named_by_new!("$5", "$5")),
        "), gone AS (
            INSERT INTO former_names (owner, revision, at, resource) VALUES ($1, $6 - 1, $2, $7)
        ), changed AS (
            UPDATE contacts SET revision = $6, updated_at = $2, resource = $8
            WHERE owner = $1 AND id = $5
            RETURNING 1
        )",
        written_sums!()
    );
    let (old, new) = names;
    let params: Params = &[&owner, &by.at, &by.protocol, &by.client, &id, &revision, &old, &new];
    Ok(written(&tx.query_one(SQL, params)?))
}

/// Forgets all but the newest 10,000 names that contacts of the book had; the last revision of those that
/// went, 0 if none did. They are in no quota: a client that renames all day must not fill the disk.
pub fn forget_names(tx: &mut Tx, owner: i64) -> Result<i64> {
    const SQL: &str = "WITH gone AS (
            DELETE FROM former_names WHERE owner = $1 AND revision <= (SELECT revision
                FROM former_names WHERE owner = $1 ORDER BY revision DESC OFFSET 10000 LIMIT 1)
            RETURNING revision
        )
        SELECT coalesce(max(revision), 0) FROM gone";
    Ok(tx.query_one(SQL, &[&owner])?.get(0))
}
