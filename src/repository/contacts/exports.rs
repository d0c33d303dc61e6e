//! All contacts of an owner, page by page: for exports and the calendar.

use super::{columns, from_row};
use crate::db::Conn;
use crate::error::Result;
use crate::model::contact::Contact;
use postgres::types::Type;

/// Which contacts are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Those that are not in the trash.
    Live,
    /// Those that are not in the trash and have a birthday, without their vCard properties.
    WithBirthday,
    /// Those in the trash.
    Trash,
}

/// The first contacts whose id is greater than `after`, in the order of ids and with their vCard
/// properties. A page has at most 500 rows and about 250 kB of what is long, so that a client that
/// reads slowly costs little memory; only the last one is empty. Sizes are known without reading
/// what is large (TOAST).
pub fn page(db: &mut Conn, owner: i64, part: Part, after: i64) -> Result<Vec<Contact>> {
    macro_rules! page {
        ($properties:literal, $part:literal) => {
            concat!(
                "SELECT ",
                columns!(),
                ", properties FROM (
                    SELECT ",
                columns!(),
                ", ",
                $properties,
                " AS properties,
                        sum(octet_length(",
                $properties,
                ") + coalesce(octet_length(additional_data), 0))
                            OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS bytes,
                        row_number() OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS at
                    FROM contacts WHERE owner = $1 AND id > $2 AND ",
                $part,
                " ORDER BY id LIMIT 500
                ) AS page WHERE at = 1 OR bytes <= 250000 ORDER BY id"
            )
        };
    }
    const LIVE: &str = page!("properties", "deleted_at IS NULL");
    const WITH_BIRTHDAY: &str = page!("''", "deleted_at IS NULL AND birthday IS NOT NULL");
    const TRASH: &str = page!("properties", "deleted_at IS NOT NULL");
    let sql = match part {
        Part::Live => LIVE,
        Part::WithBirthday => WITH_BIRTHDAY,
        Part::Trash => TRASH,
    };
    // Planned for this owner: a plan for any owner would reckon with a hundred contacts, and read
    // and sort all that a large one has for each page.
    let rows = db.query_once(sql, &[(&owner, Type::INT8), (&after, Type::INT8)])?;
    let contact =
        |row: &postgres::Row| Contact { properties: row.get("properties"), ..from_row(row) };
    Ok(rows.iter().map(contact).collect())
}
