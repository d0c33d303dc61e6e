//! Ten million contacts. What is made of a card the program makes, of some thousands of them; Postgres
//! copies these rows and writes another number and another uid into each.

use crate::config;
use contactd::context::App;
use contactd::db::{self, Pool};
use contactd::model::contact::Columns;
use contactd::model::contact::columns::VERSION;
use contactd::repository::contacts::writes;
use contactd::service::writer;
use postgres::{Client, Error, NoTls};
use std::sync::Mutex;
use std::time::Instant;
use vcard::{Address, Card, Details, Entry, PartialDate};

/// How many connections fill the table.
const HANDS: usize = 2;
/// Rows of one statement.
const STEP: i64 = 250_000;
/// So many different cards.
const CARDS: usize = 10_000;
/// What stands in them for the number, in addresses and phone numbers, and for the uid.
const NUMBER: &str = "7777777";
const UID: &str = "00000000-0000-4000-8000-000000000000";
/// Accounts without contacts, for what the bench adds.
pub const EMPTY: i64 = 10;

/// Fills the schema, unless that was done before. Indexes are made afterwards.
pub fn seed(schema: &str, contacts: i64) -> Result<(), Error> {
    let mut db = connect(schema)?;
    if db.query_one("SELECT to_regclass('seeded') IS NOT NULL", &[])?.get(0) {
        return Ok(());
    }
    let began = Instant::now();
    db.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}"))?;
    Pool::new(&config(schema)).unwrap().write(db::migrations::migrate).unwrap();
    cards(schema);
    db.batch_execute(
        "CREATE UNLOGGED TABLE sample AS SELECT revision AS k, * FROM contacts; DELETE FROM contacts",
    )?;
    let (later, references) = put_off(&mut db, schema)?;
    db.execute(
        "INSERT INTO users (username, email, password_hash, is_verified, created_at)
        SELECT 'user' || n, 'user' || n || '@example.com', '-', true, '2026-01-01'
        FROM generate_series(1, $1::bigint) AS n",
        &[&(contacts / 100 + EMPTY)],
    )?;
    let mut steps: Vec<i64> = (0..contacts).step_by(STEP as usize).collect();
    steps.reverse();
    share(schema, steps, |db, from| {
        let to = contacts.min(from + STEP);
        fill(db, from, to, contacts)?;
        eprintln!("up to {to} of {contacts} after {:?}", began.elapsed());
        Ok(())
    });
    db.execute("SELECT setval('contacts_id_seq', $1)", &[&(contacts + 1)])?;
    share(schema, later, |db, sql| {
        db.batch_execute(&sql)?;
        eprintln!("{sql} after {:?}", began.elapsed());
        Ok(())
    });
    references.iter().try_for_each(|sql| db.batch_execute(sql))?;
    // Enough for a group of each owner; sorting all cards would take half as much disk again.
    db.batch_execute("SET work_mem = '512MB'")?;
    db.execute(
        "INSERT INTO address_books
            (owner, revision, changed_at, contacts, stored, card_bytes, made_by)
        SELECT users.id, $1, '2026-11-01', coalesce(held.contacts, 0), coalesce(held.contacts, 0),
            coalesce(bytes, 0), $2
        FROM users LEFT JOIN (
            SELECT owner, count(*) AS contacts, sum(octet_length(card)) AS bytes
            FROM contacts GROUP BY owner
        ) AS held ON held.owner = users.id",
        &[&contacts, &VERSION],
    )?;
    // No VACUUM in a transaction, and a batch of several statements is one.
    db.batch_execute("VACUUM ANALYZE contacts")?;
    check(&mut db)?;
    db.batch_execute("DROP TABLE sample; ANALYZE; CREATE TABLE seeded ()")?;
    eprintln!("seeded after {:?}", began.elapsed());
    Ok(())
}

/// A connection without contactd's limits of time.
fn connect(schema: &str) -> Result<Client, Error> {
    config(schema).postgres.connect(NoTls)
}

/// Stores [`CARDS`] cards as rows of nobody.
fn cards(schema: &str) {
    let app = app(schema);
    let new: Vec<_> = (0..CARDS)
        .map(|k| writer::row(0, k as i64, None, &card(k)).expect("a card that can be stored"))
        .collect();
    let by = writes::Origin { protocol: "import", client: "bench", at: app.now() };
    app.db.transaction(|tx| writes::insert(tx, 0, &new, by)).unwrap();
}

/// The program's parts, over the schema.
pub fn app(schema: &str) -> App {
    #[allow(clippy::disallowed_methods, reason = "a tool has the real clock")]
    App::new(config(schema), Box::new(chrono::Utc::now)).unwrap()
}

/// A card as an address book of many years has them: all have a number and an address; one in three an
/// organisation, one in four each a second number, a postal address and a note, one in five labels.
fn card(k: usize) -> Card {
    let entry = |value: String, label: &str, primary| Entry {
        value,
        label: Some(label.to_owned()),
        primary,
    };
    let of = |list: &[&str], nth: usize| list[nth % list.len()].to_owned();
    let first = of(
        &[
            "Іван",
            "Олена",
            "Zoë",
            "John",
            "Mary",
            "Андрій",
            "José",
            "Anna",
            "Тарас",
            "Peter",
            "Ґудзь",
            "Ольга",
        ],
        k,
    );
    let last = of(
        &[
            "Шевченко",
            "Коваленко",
            "Müller",
            "Smith",
            "Іваненко",
            "O'Brien",
            "García",
            "Бондар",
            "Ткачук",
            "Novák",
        ],
        k / 12,
    );
    let last = (!k.is_multiple_of(20)).then(|| format!("{last}{}", k % 997));
    let mut phones = vec![entry(format!("+380 44 {NUMBER}"), "mobile", true)];
    if k % 4 == 1 {
        phones.push(entry(format!("+49 30 {NUMBER}"), "work", false));
    }
    let address = Address {
        label: Some("home".to_owned()),
        primary: true,
        street: Some(format!("вул. Хрещатик, {}", k % 200)),
        city: Some("Київ".to_owned()),
        postal_code: Some("01001".to_owned()),
        ..Address::default()
    };
    let day = |most: usize| (k / 3 % most) as u32 + 1;
    let details = Details {
        display_name: format!("{first} {}", last.as_deref().unwrap_or_default()).trim().to_owned(),
        first_name: Some(first),
        last_name: last,
        organization: k.is_multiple_of(3).then(|| format!("Example {} GmbH", k % 300)),
        emails: vec![entry(format!("person{NUMBER}@example.com"), "home", true)],
        phones,
        addresses: if k % 4 == 2 { vec![address] } else { Vec::new() },
        birthday: (!k.is_multiple_of(3)).then(|| PartialDate {
            year: Some(1950 + (k % 60) as i32),
            month: day(12),
            day: day(28),
        }),
        additional_data: k
            .is_multiple_of(4)
            .then(|| format!("Met at the conference in Kyiv, {NUMBER}")),
        labels: if k.is_multiple_of(5) {
            vec!["friends".into(), "work".into()]
        } else {
            Vec::new()
        },
        ..Details::default()
    };
    let mut card = Card::new(UID);
    card.set(&details);
    // No two of them may have one uid, or nobody would store them.
    card.set_uid(&format!("{}{k:012}", &UID[..UID.len() - 12]));
    card
}

/// Drops the indexes and constraints of contacts: how to make them again, and those of other tables.
fn put_off(db: &mut Client, schema: &str) -> Result<(Vec<String>, Vec<String>), Error> {
    let list = |db: &mut Client, sql: &str| -> Result<Vec<(String, String)>, Error> {
        let rows = db.query(sql, &[&schema])?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    };
    // The references first, which rest on the key.
    let constraints = list(
        db,
        "SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE (conrelid = 'contacts'::regclass OR confrelid = 'contacts'::regclass)
            AND connamespace = to_regnamespace($1) ORDER BY contype = 'f' DESC",
    )?;
    let mut later = Vec::new();
    let mut references = Vec::new();
    for (name, definition) in constraints {
        let (table, name) = name.split_once(' ').unwrap_or_default();
        db.batch_execute(&format!("ALTER TABLE {table} DROP CONSTRAINT {name}"))?;
        let again = format!("ALTER TABLE {table} ADD CONSTRAINT {name} {definition}");
        if definition.starts_with("FOREIGN KEY") {
            references.push(again)
        } else {
            later.push(again)
        }
    }
    let indexes = list(
        db,
        "SELECT indexname::text, indexdef FROM pg_indexes
        WHERE schemaname = $1 AND tablename = 'contacts' ORDER BY indexname = 'contacts_name_idx'",
    )?;
    for (name, definition) in indexes {
        db.batch_execute(&format!("DROP INDEX {name}"))?;
        // Taken from the end: the largest one first.
        later.push(definition);
    }
    Ok((later, references))
}

/// Does the work on [`HANDS`] connections, from the end of the list.
fn share<T: Send>(
    schema: &str,
    work: Vec<T>,
    act: impl Fn(&mut Client, T) -> Result<(), Error> + Sync,
) {
    let work = Mutex::new(work);
    std::thread::scope(|scope| {
        for _ in 0..HANDS {
            scope.spawn(|| {
                let mut db = connect(schema).unwrap();
                loop {
                    let Some(piece) = work.lock().unwrap().pop() else { return };
                    act(&mut db, piece).unwrap();
                }
            });
        }
    });
}

/// Owners take turns, so that the contacts of one lie far from each other, as in real life. The first
/// one gets 100,000, the second one 10,000.
fn fill(db: &mut Client, from: i64, to: i64, contacts: i64) -> Result<u64, Error> {
    const SQL: &str = "
        INSERT INTO contacts (owner, id, uid, revision, born, born_by, born_client, made_by,
            created_at, updated_at, card, is_group, members, sort_name, sort_more, folded, digits,
            label_keys, long_text, birthday_key, birthday_year, photo_type)
        SELECT CASE WHEN n % ($3::bigint / 100000) = 0 THEN 1
                WHEN n % ($3::bigint / 10000) = 1 THEN 2
                ELSE 3 + (n * 7919) % ($3::bigint / 100 - 2) END,
            n + 1, new_uid, n + 1, n + 1, 'import', 'bench', made_by, at, at,
            replace(replace(card, uid, new_uid), $4, number), is_group,
            replace(members, $4, number), sort_name, sort_more, replace(folded, $4, number),
            replace(digits, $4, number), label_keys, replace(long_text, $4, number),
            birthday_key, birthday_year, photo_type
        FROM (SELECT n, abs(hashint8(n)::bigint) % $5::bigint AS k, lpad(n::text, 7, '0') AS number,
                gen_random_uuid()::text AS new_uid,
                timestamptz '2026-01-01' + n * interval '1 second' AS at
            FROM generate_series($1::bigint, $2::bigint - 1) AS n) AS numbers
        JOIN sample USING (k)";
    db.execute(SQL, &[&from, &to, &contacts, &NUMBER, &(CARDS as i64)])
}

/// What Postgres copied is what the program makes of these cards, but for numbers that hold the postal code: the
/// program writes down no word that stands in another one.
fn check(db: &mut Client) -> Result<(), Error> {
    const SQL: &str = "SELECT card, uid, members, sort_name, folded, digits FROM contacts
        WHERE owner IN (2, 3) AND card NOT LIKE '%01001@%' LIMIT 1000";
    for row in db.query(SQL, &[])? {
        let columns = Columns::of(&Card::stored(row.get(0)));
        let made =
            (columns.uid, columns.members, columns.sort_name, columns.folded, columns.digits);
        assert_eq!(made, (row.get(1), row.get(2), row.get(3), row.get(4), row.get(5)));
    }
    Ok(())
}
