//! Ten million contacts, made by Postgres itself.

use crate::config;
use contactd::db::{self, Pool};
use contactd::model::contact::Columns;
use postgres::{Client, Error, NoTls};
use std::sync::Mutex;
use std::time::Instant;
use vcard::{Card, Details, Entry, PartialDate};

/// How many connections fill the table: half of this is the folding of names, on a core each.
const HANDS: usize = 2;
/// Rows of one statement.
const STEP: i64 = 250_000;

/// Fills the schema, unless that was done before. Indexes are made afterwards.
pub fn seed(schema: &str, contacts: i64) -> Result<(), Error> {
    let mut db = connect(schema)?;
    if db.query_one("SELECT to_regclass('seeded') IS NOT NULL", &[])?.get(0) {
        return Ok(());
    }
    let began = Instant::now();
    let owners = contacts / 100;
    db.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}"))?;
    Pool::new(&config(schema)).unwrap().write(db::migrations::migrate).unwrap();
    let later = put_off(&mut db, schema)?;
    db.execute(
        "INSERT INTO users (username, email, password_hash, is_verified, created_at)
        SELECT 'user' || n, 'user' || n || '@example.com', '-', true, '2026-01-01'
        FROM generate_series(1, $1::bigint) AS n",
        &[&owners],
    )?;
    make_templates(&mut db)?;
    let mut steps: Vec<i64> = (0..contacts).step_by(STEP as usize).collect();
    steps.reverse();
    share(schema, steps, |db, from| {
        let to = contacts.min(from + STEP);
        fill(db, from, to, contacts)?;
        eprintln!("up to {to} of {contacts} after {:?}", began.elapsed());
        Ok(())
    });
    share(schema, later, |db, sql| {
        db.batch_execute(&sql)?;
        eprintln!("{sql} after {:?}", began.elapsed());
        Ok(())
    });
    db.execute(
        "INSERT INTO address_books (owner, revision, contacts, stored, made_by)
        SELECT users.id, $1, count(contacts.id), count(contacts.id), 1 FROM users
        LEFT JOIN contacts ON owner = users.id GROUP BY users.id",
        &[&contacts],
    )?;
    // No VACUUM in a transaction, and a batch of several statements is one.
    db.batch_execute("VACUUM ANALYZE contacts")?;
    db.batch_execute("ANALYZE; CREATE TABLE seeded ()")?;
    eprintln!("seeded after {:?}", began.elapsed());
    Ok(())
}

/// A connection without contactd's limits of time.
fn connect(schema: &str) -> Result<Client, Error> {
    config(schema).postgres.connect(NoTls)
}

/// Drops the indexes and constraints of contacts, and tells how to make them again.
fn put_off(db: &mut Client, schema: &str) -> Result<Vec<String>, Error> {
    let list = |db: &mut Client, sql: &str| -> Result<Vec<(String, String)>, Error> {
        let rows = db.query(sql, &[&schema])?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    };
    let constraints = list(
        db,
        "SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = 'contacts'::regclass AND connamespace = to_regnamespace($1)",
    )?;
    let mut later = Vec::new();
    for (name, definition) in constraints {
        db.batch_execute(&format!("ALTER TABLE contacts DROP CONSTRAINT {name}"))?;
        later.push(format!("ALTER TABLE contacts ADD CONSTRAINT {name} {definition}"));
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
    Ok(later)
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

/// A number that stands in every template where the contact's own comes.
const NUMBER: &str = "7654321";

/// Cards of invented people, with what the program makes of each.
fn make_templates(db: &mut Client) -> Result<(), Error> {
    db.batch_execute("CREATE TABLE templates (LIKE contacts, template bigint PRIMARY KEY)")?;
    const FIRST: [&str; 12] = [
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
    ];
    const LAST: [&str; 10] = [
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
    ];
    for n in 0..TEMPLATES {
        let of = |list: &[&str], n: i64| Some(list[n as usize % list.len()].to_owned());
        let entry = |value: String| vec![Entry { value, label: None, primary: true }];
        let mut card = Card::new("uid");
        card.set(&Details {
            first_name: of(&FIRST, n),
            last_name: of(&LAST, n / 12).filter(|_| n % 20 > 0).map(|name| format!("{name}{n}")),
            emails: entry(format!("person{NUMBER}@example.com")),
            phones: entry(format!("+380 44 {NUMBER}")),
            birthday: PartialDate::new(
                Some(1950 + n as i32 % 60),
                1 + n as u32 % 12,
                1 + n as u32 % 28,
            )
            .filter(|_| n % 3 > 0),
            additional_data: Some(format!("Met at the conference in Kyiv, {NUMBER}"))
                .filter(|_| n % 4 == 0),
            labels: if n % 5 == 0 { vec!["friends".into(), "work".into()] } else { vec![] },
            ..card.details()
        });
        let made = Columns::of(&card);
        db.execute(
            "INSERT INTO templates (template, owner, id, revision, created_at, updated_at, born, born_by,
                born_client, uid, card, made_by, is_group, members, sort_name, sort_more, folded, digits,
                label_keys, labels, birthday_key, birthday_year)
            VALUES ($1, 0, 0, 0, now(), now(), 0, 'rest', 'seed', '', $2, 1, false, $3, $4, $5, $6, $7, $8, $9,
                $10, $11)",
            &[
                &n, &card.text(), &made.members, &made.sort_name, &made.sort_more, &made.folded, &made.digits,
                &made.label_keys, &made.labels, &made.birthday_key, &made.birthday_year,
            ],
        )?;
    }
    Ok(())
}

/// How many templates there are.
const TEMPLATES: i64 = 2_400;

/// Owners take turns, so that the contacts of one lie far from each other, as in real life. The
/// first one gets 100,000.
fn fill(db: &mut Client, from: i64, to: i64, contacts: i64) -> Result<u64, Error> {
    const SQL: &str = "
        INSERT INTO contacts (owner, revision, created_at, updated_at, born, born_by, born_client, uid, card,
            made_by, is_group, members, sort_name, sort_more, folded, digits, label_keys, labels, birthday_key,
            birthday_year)
        SELECT CASE WHEN n % ($3::bigint / 100000) = 0 THEN 1 ELSE 2 + (n * 7919) % ($3::bigint / 100 - 1) END,
            n, at, at, n, born_by, born_client, gen_random_uuid(), replace(card, $4, number), made_by, false,
            replace(members, $4, number), sort_name, sort_more, replace(folded, $4, number),
            replace(digits, $4, number), label_keys, labels, birthday_key, birthday_year
        FROM (SELECT n, timestamptz '2026-01-01' + n * interval '1 second' AS at,
                lpad((n % 10000000)::text, 7, '0') AS number
            FROM generate_series($1::bigint, $2::bigint - 1) AS n) AS numbers
        JOIN templates ON template = abs(hashint8(n)::bigint) % $5::bigint
        ORDER BY n";
    db.execute(SQL, &[&from, &to, &contacts, &NUMBER, &TEMPLATES])
}
