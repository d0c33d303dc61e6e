//! The stores with what is in them: 40 users with 100 contacts each, in contactd's tables and in those of
//! the reference server.

use chrono::Datelike;
use contactd::config::Config;
use contactd::context::App;
use contactd::crypto::Passwords;
use contactd::service::writer::{By, NewCard, in_book};
use postgres::{Client, NoTls};
use ring::hmac;
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vcard::{Card, Details, Entry, PartialDate};

/// Signs the tokens of both servers.
pub const SECRET: &str = "a-secret-for-measuring-that-nobody-has-to-guess";
pub const PASSWORD: &str = "Secret-pw-1";
/// So many users there are, each with [`CONTACTS`], and all of them send requests: 40, or `USERS`.
fn users() -> usize {
    std::env::var("USERS").map_or(40, |users| users.parse().unwrap())
}
const CONTACTS: usize = 100;

/// Somebody who sends requests.
pub struct Caller {
    pub id: i64,
    pub name: String,
    /// A contact of theirs in contactd's table, and one in the reference server's.
    pub contact: i64,
    pub peer_contact: i64,
    pub token: String,
}

pub struct Stores {
    pub database: String,
    pub peer_database: String,
    pub redis: String,
    pub callers: Vec<Caller>,
    pub db: Client,
    pub postgres_pid: u32,
    pub redis_pid: u32,
}

const USERS: &str = "INSERT INTO users
        (username, email, password_hash, is_verified, created_at)
    SELECT 'user' || n, 'user' || n || '@example.com', $1, true, now()
    FROM generate_series(1, $2::bigint) AS n";
const BOOKS: &str =
    "INSERT INTO address_books (owner) SELECT id FROM users ON CONFLICT (owner) DO NOTHING";
const SESSIONS: &str = "INSERT INTO sessions
        (user_id, refresh_hash, created_at, last_used_at, expires_at, ip, user_agent)
    SELECT id, sha256(username::bytea), now(), now(), now() + interval '1 day', '127.0.0.1', 'bench'
    FROM users";
/// The fields of the contact with number `n` in its book.
const FIELDS: &str = "(ARRAY['Ann', 'Borys', 'Clara', 'David', 'Олена', 'Émile', 'Frida', 'Gustav',
        'Hanna', 'Ivan'])[1 + n * 7 % 10] || ' ' || n,
    (ARRAY['Smith', 'Shevchenko', 'Nováková', 'Müller', 'Коваль', 'Dupont', 'Jones', 'García',
        'Andersen', 'Rossi', 'Petrenko'])[1 + n * 5 % 11],
    'contact' || n || '@example.com', '+38044' || 1000000 + n * 7919 % 8999999,
    date '1950-01-01' + n * 37 % 20000";

const PEER_SCHEMA: &str = "
    create table users(id bigserial primary key, username text not null unique, email text not null unique, hashed_password text not null, avatar text, confirmed boolean not null default false, role text not null default 'user', created_at timestamptz not null default now());
    create table contacts(id bigserial primary key, user_id bigint not null references users(id) on delete cascade, first_name text not null, last_name text not null, email text not null, phone text not null, birthday date not null, extra text, created_at timestamptz not null default now(), updated_at timestamptz not null default now());
    create index contacts_list on contacts(user_id, last_name, first_name, id);";

impl Stores {
    /// Fills the empty stores of `TEST_DATABASE_URL` and `TEST_REDIS_URL`.
    pub fn seed() -> Stores {
        let database = std::env::var("TEST_DATABASE_URL").unwrap();
        let redis = std::env::var("TEST_REDIS_URL").unwrap();
        let mut db = Client::connect(&database, NoTls).unwrap();
        let hash = Passwords::new().unwrap().enter().unwrap().hash(PASSWORD).unwrap();

        db.batch_execute("CREATE DATABASE peer").unwrap();
        let peer_database = database.rsplit_once('/').unwrap().0.to_owned() + "/peer";
        let mut peer = Client::connect(&peer_database, NoTls).unwrap();
        peer.batch_execute(PEER_SCHEMA).unwrap();
        let users = "INSERT INTO users (username, email, hashed_password, confirmed)
            SELECT 'user' || n, 'user' || n || '@example.com', $1, true
            FROM generate_series(1, $2::bigint) AS n";
        let number = self::users() as i64;
        peer.execute(users, &[&hash, &number]).unwrap();
        let contacts = "INSERT INTO contacts
            (user_id, first_name, last_name, email, phone, birthday)";
        let again = format!("FROM users, generate_series(1, {CONTACTS}) AS n");
        peer.batch_execute(&format!("{contacts} SELECT id, {FIELDS} {again}; ANALYZE")).unwrap();

        drop(crate::contactd(&database, &redis)); // it makes its tables
        db.execute(USERS, &[&hash, &number]).unwrap();
        db.batch_execute(&format!("{BOOKS}; {SESSIONS}")).unwrap();
        add_contacts(&database);
        // Not in a transaction: the index-only scans want to know which pages all may see.
        db.batch_execute("VACUUM ANALYZE").unwrap();

        let contact_of = |client: &mut Client, owner: &str, id: i64| -> i64 {
            let sql = format!("SELECT id FROM contacts WHERE {owner} = $1 ORDER BY id OFFSET 50");
            client.query(&sql, &[&id]).unwrap()[0].get(0)
        };
        let rows = db
            .query("SELECT users.id, username, sessions.id FROM users JOIN sessions ON user_id = users.id ORDER BY users.id", &[])
            .unwrap();
        let callers = rows.iter().map(|row| {
            let id = row.get(0);
            Caller {
                id,
                name: row.get(1),
                contact: contact_of(&mut db, "owner", id),
                peer_contact: contact_of(&mut peer, "user_id", id),
                token: token(id, row.get(2)),
            }
        });
        let callers = callers.collect();
        let backend: i32 = db.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
        let backend = u32::try_from(backend).unwrap();
        let postgres_pid = crate::process::stat(backend).unwrap()[1] as u32;
        let mut connection = redis::Client::open(redis.as_str()).unwrap().get_connection().unwrap();
        let info: String = redis::cmd("INFO").arg("server").query(&mut connection).unwrap();
        let redis_pid = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap();
        let redis_pid = redis_pid.trim().parse().unwrap();
        Stores { database, peer_database, redis, callers, db, postgres_pid, redis_pid }
    }

    /// A number of the processes of Postgres together, and of Redis.
    pub fn of_both(&self, of: impl Fn(u32) -> u64) -> [u64; 2] {
        let processes = std::fs::read_dir("/proc").unwrap();
        let pids = processes.filter_map(|it| it.unwrap().file_name().to_str()?.parse().ok());
        let children = pids.filter(|pid| {
            crate::process::stat(*pid).is_some_and(|it| it[1] == u64::from(self.postgres_pid))
        });
        let backends: u64 = children.map(&of).sum();
        [backends + of(self.postgres_pid), of(self.redis_pid)]
    }
}

/// Gives each account its contacts, the way contactd does it.
fn add_contacts(database: &str) {
    let config = Config::read(|name| match name {
        "DATABASE_URL" => Some(database.to_owned()),
        "SECRET_KEY" => Some(SECRET.to_owned()),
        _ => None,
    });
    let app = App::new(config.unwrap(), Box::new(chrono::Utc::now)).unwrap();
    let by = By { protocol: "rest", client: "bench".to_owned() };
    let users = app.db.read(|db| db.query("SELECT id FROM users ORDER BY id", &[]));
    for user in users.unwrap() {
        let cards = (1..=CONTACTS).map(|n| NewCard { card: card(n), resource: None }).collect();
        in_book(&app, user.get(0), &by, |writer| writer.insert(cards)).unwrap();
    }
}

/// The contact with number `n` in its book: the same as in [`FIELDS`].
fn card(n: usize) -> Card {
    let first =
        ["Ann", "Borys", "Clara", "David", "Олена", "Émile", "Frida", "Gustav", "Hanna", "Ivan"];
    let last = [
        "Smith",
        "Shevchenko",
        "Nováková",
        "Müller",
        "Коваль",
        "Dupont",
        "Jones",
        "García",
        "Andersen",
        "Rossi",
        "Petrenko",
    ];
    let (first, last) = (format!("{} {n}", first[n * 7 % 10]), last[n * 5 % 11].to_owned());
    let entry = |value: String| Entry { value, label: None, primary: true };
    let born = chrono::NaiveDate::from_ymd_opt(1950, 1, 1).unwrap();
    let born = born + chrono::Days::new(n as u64 * 37 % 20_000);
    let mut card = Card::new(&contactd::crypto::random_uuid().unwrap());
    card.set(&Details {
        display_name: format!("{first} {last}"),
        first_name: Some(first),
        last_name: Some(last),
        emails: vec![entry(format!("contact{n}@example.com"))],
        phones: vec![entry(format!("+38044{}", 1_000_000 + n * 7_919 % 8_999_999))],
        birthday: PartialDate::new(Some(born.year()), born.month(), born.day()),
        ..Details::default()
    });
    card
}

/// An access token that both servers take.
fn token(user: i64, session: i64) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let claims = json!({
        "sub": user.to_string(), "sid": session, "typ": "access", "iat": now.as_secs(),
        "exp": (now + Duration::from_secs(86_400)).as_secs(), "jti": "bench",
    });
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let head = encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", encode(claims.to_string().as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{signed}.{}", encode(hmac::sign(&key, signed.as_bytes()).as_ref()))
}
