//! The labels of an address book.

use super::live;
use crate::db::Conn;
use crate::error::Result;

/// Most labels that are given at once; also in the statement.
pub const LABELS_MAX: usize = 1_000;

/// Characters of a label that is listed, or gets another name; also in the statement.
pub const LABEL_LISTED_MAX: usize = 10_000;

/// Labels in use after this one (in lower case), a thousand at most, with the number of contacts that
/// have each. Of several spellings the one of the oldest contact is shown; they are counted first, byte
/// by byte, since ICU's lower case takes most of the time. One of more than [`LABEL_LISTED_MAX`] characters is left
/// out before that: a card may bring some of half a megabyte, and pages keep the list in memory.
pub fn labels_in_use(db: &mut Conn, owner: i64, after: &str) -> Result<Vec<(String, i64)>> {
    const SQL: &str = concat!(
        "SELECT (array_agg(label ORDER BY oldest))[1] AS label, sum(count)::bigint AS count
        FROM (
            SELECT label COLLATE \"C\" AS label, count(*) AS count, min(id) AS oldest
            FROM contacts, json_array_elements_text(
                nullif(split_part(members, E'\\n', -1), '')::json) AS label
            WHERE ",
        live!(),
        " AND (label_keys IS NOT NULL OR long_text IS NOT NULL)
            GROUP BY label COLLATE \"C\"
        ) AS spellings
        WHERE CASE WHEN length(label) <= 10000
            THEN lower(label COLLATE \"und-x-icu\") > lower($2 COLLATE \"und-x-icu\") END
        GROUP BY lower(label COLLATE \"und-x-icu\")
        ORDER BY lower(label COLLATE \"und-x-icu\") LIMIT 1000"
    );
    let rows = db.query(SQL, &[&owner, &after])?;
    Ok(rows.iter().map(|row| (row.get("label"), row.get("count"))).collect())
}
