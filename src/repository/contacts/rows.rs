//! Rows of `contacts`, one or many at once. A change puts what was there before into `history` in the
//! same statement.

use crate::db::{Conn, Params, Tx};
use crate::error::Result;
use crate::model::contact::columns::VERSION;
use crate::model::contact::{Columns, Contact, Stored};
use chrono::{DateTime, Utc};
use postgres::Row;
use postgres::types::{ToSql, Type};
use std::collections::HashSet;

/// Who changes something, with what, and when.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// `rest`, `carddav`, `web`, `import`, `merge`, `rewind`.
    pub protocol: &'a str,
    /// The app password's name, or the User-Agent.
    pub client: &'a str,
    /// Read after the book was locked.
    pub at: DateTime<Utc>,
}

/// A row to be written: the card, what is made of it, and the revision that it takes.
#[derive(Debug)]
pub struct NewRow {
    /// Of the contact that changes; 0 for a new one.
    pub id: i64,
    /// Taken from the locked book.
    pub revision: i64,
    /// See [`Stored::resource`].
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
/// The columns that are made from the card, set to those of `new`.
macro_rules! made_columns {
    () => {
        "made_by = $18, is_group = new.is_group, members = new.members, sort_name = new.sort_name,
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
            UPDATE address_books SET revision = revision + 1, changed_at = greatest(changed_at, $2),
                contacts = contacts + 1, stored = stored + 1,
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

/// Keeps what contacts were before their change, which `new` names with its revision. Their ids are said
/// a second time, as an array: so Postgres goes by the primary key, even if it believes (of a book that
/// was just imported) that the owner has one contact.
macro_rules! keep_history {
    ($at:literal, $protocol:literal, $client:literal, $ids:literal) => {
        concat!(
            "INSERT INTO history (owner, revision, contact, at, protocol, client, card, since, in_trash)
            SELECT $1, new.revision, contacts.id, ", $at, ", ", $protocol, ", ", $client, ",
                contacts.card, contacts.updated_at, contacts.deleted_at IS NOT NULL
            FROM contacts JOIN new ON contacts.id = new.id
            WHERE owner = $1 AND contacts.id = ANY (", $ids, ")
            RETURNING octet_length(card) AS bytes"
        )
    };
}
macro_rules! tell_written {
    () => {
        " SELECT (SELECT count(*) FROM changed) AS rows,
            (SELECT coalesce(sum(bytes), 0)::bigint FROM was) AS bytes"
    };
}

/// Gives contacts other cards; those in the trash come out of it.
pub fn update(tx: &mut Tx, owner: i64, rows: &[NewRow], by: Origin) -> Result<Written> {
    const SQL: &str = concat!(
        "WITH new AS (SELECT * FROM ",
        new!(),
        "), was AS (",
        keep_history!("$19", "$20", "$21", "$2"),
        "), changed AS (
            UPDATE contacts SET revision = new.revision, updated_at = $19, deleted_at = NULL,
                resource = new.resource, uid = new.uid, card = new.card, ",
        made_columns!(),
        " FROM new WHERE owner = $1 AND contacts.id = new.id AND contacts.id = ANY ($2)
            RETURNING 1
        )",
        tell_written!()
    );
    let arrays = Arrays::of(rows);
    let row = tx.query_one(SQL, &arrays.with(&owner, &[&by.at, &by.protocol, &by.client]))?;
    Ok(written(&row))
}

/// Writes columns that were made anew; no change of the contact, so no revision and no history. A
/// contact that changed meanwhile has new ones already.
pub fn set_columns(db: &mut Conn, owner: i64, rows: &[NewRow]) -> Result<u64> {
    const SQL: &str = concat!(
        "UPDATE contacts SET uid = new.uid, ",
        made_columns!(),
        " FROM ",
        new!(),
        " WHERE owner = $1 AND contacts.id = new.id AND contacts.revision = new.revision"
    );
    db.execute(SQL, &Arrays::of(rows).with(&owner, &[]))
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
        keep_history!("$2", "$3", "$4", "$5"),
        "), changed AS (
            UPDATE contacts SET revision = new.revision, updated_at = $2, deleted_at = $2
            FROM new WHERE owner = $1 AND contacts.id = new.id AND contacts.id = ANY ($5)
            RETURNING 1
        )",
        tell_written!()
    );
    let params: Params = &[&owner, &by.at, &by.protocol, &by.client, &ids, &first_revision];
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
        keep_history!("$2", "$3", "$4", "ARRAY[$5::bigint]"),
        "), gone AS (
            INSERT INTO former_names (owner, revision, at, resource) VALUES ($1, $6 - 1, $2, $7)
        ), changed AS (
            UPDATE contacts SET revision = $6, updated_at = $2, resource = $8
            WHERE owner = $1 AND id = $5
            RETURNING 1
        )",
        tell_written!()
    );
    let (old, new) = names;
    let params: Params = &[&owner, &by.at, &by.protocol, &by.client, &id, &revision, &old, &new];
    Ok(written(&tx.query_one(SQL, params)?))
}

/// The columns of [`Stored`].
macro_rules! STORED {
    () => {
        "id, uid, revision, members, photo_type, created_at, updated_at, deleted_at, resource, card, \
         is_group"
    };
}

pub(crate) use STORED;

pub(crate) fn stored(row: &Row) -> Stored {
    Stored {
        contact: super::from_row(row),
        resource: row.get("resource"),
        text: row.get("card"),
        is_group: row.get("is_group"),
    }
}

/// A contact with its card, in the trash or not; no group.
pub fn find_any(db: &mut Conn, owner: i64, id: i64) -> Result<Option<Stored>> {
    const SQL: &str = concat!(
        "SELECT ",
        STORED!(),
        " FROM contacts WHERE owner = $1 AND id = $2 AND NOT is_group"
    );
    Ok(db.query_opt(SQL, &[&owner, &id])?.as_ref().map(stored))
}

/// A contact with its card that is not in the trash.
pub fn find(db: &mut Conn, owner: i64, id: i64) -> Result<Option<Stored>> {
    Ok(find_any(db, owner, id)?.filter(|it| it.contact.deleted_at.is_none()))
}

/// A contact without its card that is not in the trash.
pub fn find_shown(db: &mut Conn, owner: i64, id: i64) -> Result<Option<Contact>> {
    const SQL: &str =
        "SELECT id, uid, revision, members, photo_type, created_at, updated_at, deleted_at
        FROM contacts WHERE owner = $1 AND id = $2 AND deleted_at IS NULL AND NOT is_group";
    Ok(db.query_opt(SQL, &[&owner, &id])?.as_ref().map(super::from_row))
}

/// Those of these contacts that are not in the trash.
pub fn shown(db: &mut Conn, owner: i64, ids: &[i64]) -> Result<Vec<Contact>> {
    const SQL: &str = concat!(
        "SELECT ",
        super::columns!(),
        " FROM contacts WHERE owner = $1 AND id = ANY ($2) AND deleted_at IS NULL AND NOT is_group"
    );
    Ok(db.query(SQL, &[&owner, &ids])?.iter().map(super::from_row).collect())
}

/// The members of a contact, for a list that left them out because they are long.
pub fn members(db: &mut Conn, owner: i64, id: i64) -> Result<Option<String>> {
    const SQL: &str = "SELECT members FROM contacts WHERE owner = $1 AND id = $2";
    Ok(db.query_opt(SQL, &[&owner, &id])?.map(|row| row.get(0)))
}

/// What CardDAV clients know by a name, a contact or a group.
pub fn find_named(db: &mut Conn, owner: i64, name: &[u8]) -> Result<Option<Stored>> {
    const SQL: &str = concat!(
        "SELECT ",
        STORED!(),
        " FROM contacts WHERE owner = $1 AND deleted_at IS NULL AND resource = $2
        UNION ALL SELECT ",
        STORED!(),
        " FROM contacts WHERE owner = $1 AND deleted_at IS NULL AND resource IS NULL AND uid = $3"
    );
    // No uid has a NUL, so this one names nothing.
    let uid = uid_of_name(name).unwrap_or("");
    Ok(db.query_opt(SQL, &[&owner, &name, &uid])?.as_ref().map(stored))
}

/// The uid of a contact that has this name without ever having been given one.
pub fn uid_of_name(name: &[u8]) -> Option<&str> {
    std::str::from_utf8(name).ok()?.strip_suffix(".vcf").filter(|uid| !uid.contains('\0'))
}

/// What has a uid, a contact or a group, but is not in the trash.
pub fn find_uid(db: &mut Conn, owner: i64, uid: &str) -> Result<Option<Stored>> {
    const SQL: &str = concat!(
        "SELECT ",
        STORED!(),
        " FROM contacts WHERE owner = $1 AND uid = $2 AND deleted_at IS NULL"
    );
    Ok(db.query_opt(SQL, &[&owner, &uid])?.as_ref().map(stored))
}

/// Contacts that are read or changed one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Those that are not in the trash.
    Live,
    /// Of those the ones with this label (`columns::label_key`).
    Labelled(String),
    /// Those in the trash.
    Trash,
    /// Those with these ids, in the trash or not; groups too.
    Ids(Vec<i64>),
    /// Apple's cards of groups that are not in the trash.
    Groups,
}

/// The first contacts whose id is greater than `after`, in the order of ids. A page has at most 500
/// rows and about 250 kB, so that a client that reads slowly costs little memory; only the last one is
/// empty. Sizes are known without reading what is large (TOAST).
pub fn page(db: &mut Conn, owner: i64, part: &Part, after: i64) -> Result<Vec<Stored>> {
    macro_rules! page {
        ($($part:tt)+) => {
            concat!(
                "SELECT ",
                STORED!(),
                " FROM (
                    SELECT *, sum(octet_length(card)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS bytes,
                        row_number() OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS at
                    FROM contacts WHERE owner = $1 AND id > $2 AND ",
                $($part)+,
                " ORDER BY id LIMIT 500
                ) AS page WHERE at = 1 OR bytes <= 250000 ORDER BY id"
            )
        };
    }
    const LIVE: &str = page!(super::live_by_id!());
    const LABELLED: &str = page!(
        super::live_by_id!(),
        " AND strpos(coalesce(label_keys, split_part(long_text, E'\\x1d', 3)), $3) > 0"
    );
    const TRASH: &str = page!("deleted_at IS NOT NULL AND NOT is_group");
    const IDS: &str = page!("id = ANY ($3)");
    const GROUPS: &str = page!("deleted_at IS NULL AND is_group");
    let mut params = vec![(&owner as _, Type::INT8), (&after as _, Type::INT8)];
    let sql = match part {
        Part::Live => LIVE,
        Part::Labelled(key) => {
            params.push((key as _, Type::TEXT));
            LABELLED
        }
        Part::Trash => TRASH,
        Part::Ids(ids) => {
            params.push((ids as _, Type::INT8_ARRAY));
            IDS
        }
        Part::Groups => GROUPS,
    };
    // Planned for this owner: a plan for any owner would reckon with a hundred contacts, and read
    // and sort all that a large one has for each page.
    Ok(db.query_once(sql, &params)?.iter().map(stored).collect())
}

/// Those with these ids, which are few, by id.
pub fn all(db: &mut Conn, owner: i64, ids: &[i64]) -> Result<Vec<Stored>> {
    const SQL: &str = concat!(
        "SELECT ",
        STORED!(),
        " FROM contacts WHERE owner = $1 AND id = ANY ($2) ORDER BY id"
    );
    Ok(db.query(SQL, &[&owner, &ids])?.iter().map(stored).collect())
}

/// The uids of the contacts that have a label, in the order of ids.
pub fn uids_labelled(db: &mut Conn, owner: i64, key: &str) -> Result<Vec<String>> {
    const SQL: &str = "SELECT uid FROM contacts
        WHERE owner = $1 AND deleted_at IS NULL AND NOT is_group
            AND strpos(coalesce(label_keys, split_part(long_text, E'\\x1d', 3)), $2) > 0
        ORDER BY id";
    Ok(db.query(SQL, &[&owner, &key])?.iter().map(|row| row.get(0)).collect())
}

/// Which of these uids contacts have, in the trash or not.
pub fn known_uids(db: &mut Conn, owner: i64, uids: &[String]) -> Result<HashSet<String>> {
    const SQL: &str = "SELECT uid FROM contacts WHERE owner = $1 AND uid = ANY ($2)";
    Ok(db.query(SQL, &[&owner, &uids])?.iter().map(|row| row.get(0)).collect())
}

/// Rows after this id, with the ids and cards that a function made columns of which is older.
pub fn made_before(
    db: &mut Conn,
    owner: i64,
    version: i16,
    after: i64,
) -> Result<Vec<(i64, i64, String)>> {
    const SQL: &str = "SELECT id, revision, card FROM contacts
        WHERE owner = $1 AND id > $3 AND made_by < $2 ORDER BY id LIMIT 100";
    let rows = db.query(SQL, &[&owner, &version, &after])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}
