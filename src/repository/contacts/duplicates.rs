//! What finding duplicates reads of the rows, and the table `dismissals`.

use crate::db::{Conn, Tx};
use crate::error::Result;
use crate::model::contact::packed::unpack;
use postgres::types::Type;
use serde::Serialize;

/// What a contact may share with others, as its columns have it. No card is read.
#[derive(Debug, Default)]
pub struct Traits {
    /// Which contact.
    pub id: i64,
    /// Folded addresses, with `columns::ITEM` between them.
    pub emails: String,
    /// Digits of the numbers, in the same way.
    pub digits: String,
    /// The beginning of the members, which has the names.
    pub members: String,
    /// It is not all of them.
    pub cut: bool,
    /// Month and day as one number.
    pub birthday_key: Option<i16>,
    /// The year of birth.
    pub birthday_year: Option<i16>,
}

/// The first contacts after an id, by id; none at the end. A page takes 44 MB at most, since of what is long only
/// the beginning is read.
pub fn traits(db: &mut Conn, owner: i64, after: i64) -> Result<Vec<Traits>> {
    // Part 3 of what is searched are the addresses, see `columns::search_text`.
    const SQL: &str = concat!(
        "SELECT id, left(members, 4000) AS members, length(members) > 4000 AS cut,
            birthday_key, birthday_year,
            left(split_part(coalesce(folded, split_part(long_text, E'\\x1d', 1)), E'\\x1f', 3), 20000) AS emails,
            left(coalesce(digits, split_part(long_text, E'\\x1d', 2), ''), 20000) AS digits
        FROM contacts WHERE owner = $1 AND id > $2 AND ",
        super::live_by_id!(),
        " ORDER BY id LIMIT 1000"
    );
    let rows = db.query_planned_anew(SQL, &[(&owner, Type::INT8), (&after, Type::INT8)])?;
    let traits = |row: &postgres::Row| Traits {
        id: row.get("id"),
        emails: row.get::<_, Option<String>>("emails").unwrap_or_default(),
        digits: row.get("digits"),
        members: unpack(row.get("members")),
        cut: row.get("cut"),
        birthday_key: row.get("birthday_key"),
        birthday_year: row.get("birthday_year"),
    };
    Ok(rows.iter().map(traits).collect())
}

/// A row counts that is of the contact itself, or of one in whose place it stands while that one is not
/// there. `$1` is the owner.
macro_rules! counts {
    () => {
        "(stands_for = contact OR NOT EXISTS (SELECT FROM contacts
            WHERE owner = $1 AND id = stands_for AND deleted_at IS NULL))"
    };
}

/// Which contacts were dismissed, and with which dismissal: those with the same one are different
/// people. By contact.
pub fn dismissed(db: &mut Conn, owner: i64) -> Result<Vec<(i64, i64)>> {
    const SQL: &str = concat!(
        "SELECT contact, dismissal FROM dismissals WHERE owner = $1 AND ",
        counts!(),
        " ORDER BY contact, dismissal"
    );
    Ok(db.query(SQL, &[&owner])?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The number of an owner's last dismissal; 0 where there is none.
pub fn last_dismissal(db: &mut Conn, owner: i64) -> Result<i64> {
    const SQL: &str = "SELECT coalesce(max(dismissal), 0) FROM dismissals WHERE owner = $1";
    Ok(db.query_one(SQL, &[&owner])?.get(0))
}

/// How many rows an owner has here.
pub fn count(db: &mut Conn, owner: i64) -> Result<i64> {
    const SQL: &str = "SELECT count(*) FROM dismissals WHERE owner = $1";
    Ok(db.query_one(SQL, &[&owner])?.get(0))
}

/// How many of these contacts are there, and not in the trash.
pub fn count_shown(db: &mut Conn, owner: i64, ids: &[i64]) -> Result<usize> {
    const SQL: &str = concat!(
        "SELECT FROM ",
        super::look_ups::by_ids!("$2", "deleted_at, is_group"),
        " WHERE deleted_at IS NULL AND NOT is_group"
    );
    Ok(super::rows::by_ids(db, SQL, owner, ids)?.len())
}

/// Whether one dismissal has all of these contacts themselves, `ids` being without doubles.
pub fn is_dismissed(db: &mut Conn, owner: i64, ids: &[i64]) -> Result<bool> {
    const SQL: &str = "SELECT 1 FROM dismissals
        WHERE owner = $1 AND contact = ANY ($2) AND stands_for = contact
        GROUP BY dismissal HAVING count(*) = cardinality($2) LIMIT 1";
    Ok(db.query_opt(SQL, &[&owner, &ids])?.is_some())
}

/// Remembers that these contacts are different people.
pub fn dismiss(tx: &mut Tx, owner: i64, ids: &[i64]) -> Result<u64> {
    const SQL: &str = "INSERT INTO dismissals (owner, dismissal, contact, stands_for)
        SELECT $1, number, contact, contact
        FROM nextval('dismissals_ids') AS number, unnest($2::bigint[]) AS contact";
    tx.execute(SQL, &[&owner, &ids])
}

/// Puts a contact in the place of the others, in each dismissal in which one of them stands and it does
/// not stand itself. The newest first, and `room` rows at most.
pub fn inherit(tx: &mut Tx, owner: i64, heir: i64, others: &[i64], room: i64) -> Result<u64> {
    const SQL: &str = concat!(
        "INSERT INTO dismissals (owner, dismissal, contact, stands_for)
        SELECT DISTINCT $1::bigint, dismissal, $2::bigint, contact FROM dismissals AS theirs
        WHERE owner = $1 AND contact = ANY ($3) AND ",
        counts!(),
        " AND NOT EXISTS (SELECT FROM dismissals AS own
                WHERE owner = $1 AND contact = $2 AND own.dismissal = theirs.dismissal
                    AND own.stands_for IN ($2, theirs.contact))
        ORDER BY dismissal DESC LIMIT greatest($4::bigint, 0)"
    );
    tx.execute(SQL, &[&owner, &heir, &others, &room])
}

/// A dismissal as the account's export shows it.
#[derive(Debug, Serialize)]
pub struct Dismissal {
    /// Its number, for the next page.
    #[serde(skip)]
    pub number: i64,
    /// The contacts that were dismissed together.
    pub contact_ids: Vec<i64>,
    /// Those that stand in the place of others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heirs: Vec<Heir>,
}

/// A contact that another one was merged into.
#[derive(Debug, Serialize)]
pub struct Heir {
    /// The one that was kept.
    pub contact_id: i64,
    /// The one in whose place it stands.
    pub of: i64,
}

/// An owner's dismissals after one of them, a few at a time.
pub fn page(db: &mut Conn, owner: i64, after: i64) -> Result<Vec<Dismissal>> {
    const SQL: &str =
        "SELECT dismissal, array_agg(contact ORDER BY contact, stands_for) AS contacts,
            array_agg(stands_for ORDER BY contact, stands_for) AS stand_for
        FROM dismissals WHERE owner = $1 AND dismissal > $2
        GROUP BY dismissal ORDER BY dismissal LIMIT 50";
    let dismissal = |row: &postgres::Row| {
        let (contacts, stand_for): (Vec<i64>, Vec<i64>) =
            (row.get("contacts"), row.get("stand_for"));
        let all = contacts.into_iter().zip(stand_for);
        let (own, heirs): (Vec<_>, Vec<_>) = all.partition(|(contact, of)| contact == of);
        Dismissal {
            number: row.get("dismissal"),
            contact_ids: own.into_iter().map(|(contact, _)| contact).collect(),
            heirs: heirs.into_iter().map(|(contact_id, of)| Heir { contact_id, of }).collect(),
        }
    };
    Ok(db.query(SQL, &[&owner, &after])?.iter().map(dismissal).collect())
}
