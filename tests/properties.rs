//! What holds for every card and every edit through REST, tried with random ones against the real program
//! on a real port: the cards and edits of `crates/vcard/tests/properties.rs`. `PROPERTIES=SEED:COUNT` tries
//! others.

#![cfg(test)]

#[path = "../crates/vcard/tests/random/mod.rs"]
mod random;

use chrono::{DateTime, Utc};
use contactd::service::upkeep;
use random::Random;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use support::server::{Server, exchange};
use support::world::{Actor, World, optional_variable};
use unicode_normalization::UnicodeNormalization;
use vcard::{Card, Details};

/// However slow the machine is, it ends.
const LONGEST: Duration = Duration::from_secs(60);

/// A user of the real program.
struct User<'s> {
    server: &'s Server,
    headers: String,
}

impl User<'_> {
    fn new<'s>(server: &'s Server, actor: &Actor) -> User<'s> {
        let token = actor.token.clone().unwrap_or_default();
        User { server, headers: format!("Authorization: Bearer {token}\r\n") }
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let headers = format!("{}{headers}", self.headers);
        let answer = exchange(self.server.address(), method, path, &headers, body).unwrap();
        let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        match head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            true => (status, without_chunks(body.as_bytes())),
            false => (status, body.to_owned()),
        }
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, "", "");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|err| panic!("{path}: {err}: {body}"))
    }

    fn card(&self, id: i64) -> String {
        let path = format!("/api/contacts/{id}");
        let (status, card) = self.ask("GET", &path, "Accept: text/vcard\r\n", "");
        assert_eq!(status, 200, "{card}");
        card
    }

    fn import(&self, media_type: &str, file: &str) -> Value {
        let headers = format!("Content-Type: {media_type}\r\n");
        let (status, body) = self.ask("POST", "/api/contacts/import", &headers, file);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    fn export(&self, format: &str) -> String {
        let path = format!("/api/contacts/export?format={format}");
        let (status, body) = self.ask("GET", &path, "", "");
        assert_eq!(status, 200, "{body}");
        body
    }
}

/// A body that was sent in chunks.
fn without_chunks(mut rest: &[u8]) -> String {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|it| it == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return String::from_utf8(body).unwrap();
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 4 + length..];
    }
}

/// What the JSON of a contact has of these details, for one of its members.
fn member(name: &str, of: &Details) -> Value {
    match name {
        "prefix" => json!(of.prefix),
        "first_name" => json!(of.first_name),
        "middle_name" => json!(of.middle_name),
        "last_name" => json!(of.last_name),
        "suffix" => json!(of.suffix),
        "nickname" => json!(of.nickname),
        "organization" => json!(of.organization),
        "department" => json!(of.department),
        "job_title" => json!(of.job_title),
        "emails" => json!(of.emails),
        "phones" => json!(of.phones),
        "addresses" => json!(of.addresses),
        "urls" => json!(of.urls),
        "birthday" => json!(of.birthday),
        "dates" => json!(of.dates),
        "relations" => json!(of.relations),
        "online" => json!(of.online),
        "additional_data" => json!(of.additional_data),
        _ => json!(of.labels),
    }
}

/// The members that an edit may name, and the lines of each.
const MEMBERS: [(&str, &[&str]); 19] = [
    ("prefix", &["N", "FN"]),
    ("first_name", &["N", "FN"]),
    ("middle_name", &["N", "FN"]),
    ("last_name", &["N", "FN"]),
    ("suffix", &["N", "FN"]),
    ("nickname", &["NICKNAME"]),
    ("organization", &["ORG"]),
    ("department", &["ORG"]),
    ("job_title", &["TITLE"]),
    ("emails", &["EMAIL"]),
    ("phones", &["TEL"]),
    ("addresses", &["ADR", "LABEL", "X-ABADR"]),
    ("urls", &["URL"]),
    ("birthday", &["BDAY"]),
    ("dates", &["X-ABDATE", "ANNIVERSARY", "X-ANNIVERSARY"]),
    ("relations", &["X-ABRELATEDNAMES", "RELATED", "X-SPOUSE"]),
    ("online", &["IMPP", "X-JABBER", "X-SOCIALPROFILE"]),
    ("additional_data", &["NOTE"]),
    ("labels", &["CATEGORIES"]),
];

/// The lines of a card whose name is none of these, as they stand there, folds included.
fn other_lines(card: &str, names: &[&str]) -> Vec<String> {
    let parsed = Card::stored(card);
    let groups: Vec<String> = parsed
        .lines()
        .filter(|line| names.contains(&line.name()))
        .filter_map(|line| line.unfolded().split_once('.').map(|it| it.0.to_owned()))
        .collect();
    let raw = parsed.lines().filter(|line| !names.contains(&line.name())).filter(|line| {
        // What is said about a line goes with it.
        let label = line.name().starts_with("X-ABLABEL") || line.name() == "X-ABLabel";
        !(label
            && line.unfolded().split_once('.').is_some_and(|it| groups.contains(&it.0.to_owned())))
    });
    let write = |line: &vcard::Line<'_>| {
        let mut text = String::new();
        line.write(&mut text);
        text
    };
    raw.map(|line| write(&line)).collect()
}

/// A random edit by `PATCH` (or `PUT` of everything): what was asked is there, other lines are as they
/// were. False if it was refused, which changes nothing.
fn edit(user: &User, id: i64, random: &mut Random, at: &str) -> bool {
    let (path, before) = (format!("/api/contacts/{id}"), user.card(id));
    let was = Card::stored(&before).details();
    let mut wanted = was.clone();
    random.edit(&mut wanted);
    let wanted = wanted.normal();
    let changed: Vec<_> =
        MEMBERS.iter().filter(|(name, _)| member(name, &wanted) != member(name, &was)).collect();
    let members = changed.iter().map(|(name, _)| ((*name).to_owned(), member(name, &wanted)));
    let mut body: Map<String, Value> = members.collect();
    let method = if random.below(3) == 0 { "PUT" } else { "PATCH" };
    if method == "PUT" {
        let mut whole = user.get(&path);
        for (name, value) in body {
            whole[name] = value;
        }
        whole.as_object_mut().unwrap().retain(|name, _| name != "email" && name != "phone");
        body = whole.as_object().unwrap().clone();
    }
    let body = Value::Object(body).to_string();
    let (status, answer) = user.ask(method, &path, "Content-Type: application/json\r\n", &body);
    let after = user.card(id);
    if status != 200 {
        assert_eq!((status, &after), (422, &before), "{at}: {body}\n{answer}");
        return false;
    }
    let now: Value = serde_json::from_str(&answer).unwrap();
    for (name, _) in &changed {
        let wanted: String = member(name, &wanted).to_string().nfc().collect();
        assert_eq!(now[*name].to_string(), wanted, "{at}: {name}\n{before}\n{body}\n{after}");
    }
    let names: Vec<&str> = changed.iter().flat_map(|(_, lines)| lines.iter().copied()).collect();
    for line in other_lines(&before, &names) {
        // FN follows the names, and the organisation of whoever has none.
        let kept = after.contains(&line) || line.starts_with("FN");
        assert!(kept, "{at}: lost {line}\n{before}\n{body}\n{after}");
    }
    true
}

/// The JSON of all contacts, without what the server gives them.
fn contacts(user: &User, without: &[&str]) -> BTreeMap<String, Value> {
    let list: Value = serde_json::from_str(&user.export("json")).unwrap();
    let mut all = BTreeMap::new();
    for mut contact in list.as_array().unwrap().clone() {
        let key = contact["nickname"].as_str().unwrap().to_owned();
        for name in ["id", "created_at", "updated_at", "photo"].iter().chain(without) {
            contact.as_object_mut().unwrap().remove(*name);
        }
        all.insert(key, contact);
    }
    all
}

fn sorted_cards(user: &User) -> Vec<String> {
    let file = user.export("vcard");
    let mut cards: Vec<_> = file.split_inclusive("END:VCARD\r\n").map(str::to_owned).collect();
    cards.sort_unstable();
    cards
}

/// Everything that is made from cards.
fn made(world: &World) -> String {
    world.sql(
        "SELECT string_agg(concat_ws('|', id, made_by, uid, is_group, members, sort_name, sort_more, folded,
            digits, label_keys, long_text, birthday_key, birthday_year, photo_type), E'\\n' ORDER BY id) FROM contacts",
    )
}

#[test]
fn random_cards_and_edits_through_rest() {
    let asked = optional_variable("PROPERTIES").unwrap_or_else(|| "0:120".to_owned());
    let (seed, count) = asked.split_once(':').expect("PROPERTIES=SEED:COUNT");
    let (seed, count): (u64, u64) = (seed.parse().unwrap(), count.parse().unwrap());
    let world = World::new();
    // The program has the real time, by which a token of the world's own would be too old.
    let now: DateTime<Utc> = world.sql("SELECT now()");
    world.pass(now - world.now());
    let ann = world.user("ann");
    let schema: String = world.sql("SELECT current_schema()::text");
    let settings = ["DEFAULT", "IMPORT"].map(|it| (format!("RATE_LIMIT_{it}"), "off"));
    let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let server = Server::in_schema(&schema, &settings);
    let user = User::new(&server, &ann);
    let began = Instant::now();
    let (mut tried, mut refused) = (0, 0);
    for seed in seed..seed + count {
        if began.elapsed() > LONGEST {
            println!("stopped before seed {seed}: the machine is slow");
            break;
        }
        let mut random = Random(seed);
        let file =
            String::from_utf8_lossy(&random.file()).replace("UID:u1", &format!("UID:s{seed}"));
        let outcome = user.import("text/vcard; charset=utf-8", &file);
        let newest = user.get("/api/contacts?sort=-created_at&limit=1");
        if outcome["created"] != 1 {
            continue;
        }
        tried += 1;
        let (id, at) = (newest[0]["id"].as_i64().unwrap(), format!("PROPERTIES={seed}:1"));
        let (path, before) = (format!("/api/contacts/{id}"), user.card(id));
        // What was read, put unchanged.
        let body = user.get(&path).to_string();
        let (status, answer) = user.ask("PUT", &path, "Content-Type: application/json\r\n", &body);
        assert_eq!((status, user.card(id)), (200, before), "{at}: {body}\n{answer}");
        // The name by which the contacts are found again after an export.
        let name = format!("{{\"nickname\":\"seed {seed}\"}}");
        assert_eq!(
            user.ask("PATCH", &path, "Content-Type: application/json\r\n", &name).0,
            200,
            "{at}"
        );
        for _ in 0..3 {
            refused += i32::from(!edit(&user, id, &mut random, &at));
        }
        assert_eq!(
            user.ask("PATCH", &path, "Content-Type: application/json\r\n", &name).0,
            200,
            "{at}"
        );
    }
    println!("{tried} cards from seed {seed} on, {refused} edits refused, {:?}", began.elapsed());
    assert!(tried > 20 || count < 50, "{tried}");
    let before = made(&world);
    assert!(upkeep::reindex(&world.app, true, &AtomicBool::new(false)).unwrap() >= tried);
    let anew = made(&world);
    for (row, anew) in before.split('\n').zip(anew.split('\n')) {
        assert_eq!(row, anew);
    }
    for (format, media_type, without) in [
        ("vcard", "text/vcard; charset=utf-8", &[] as &[&str]),
        ("json", "application/json", &[]),
        ("csv", "text/csv; charset=utf-8", &["uid"]),
    ] {
        let other = world.user(&format!("other-{format}"));
        let other = User::new(&server, &other);
        let outcome = other.import(media_type, &user.export(format));
        assert_eq!(outcome["created"], json!(contacts(&user, &[]).len()), "{format}: {outcome}");
        let (ours, theirs) = (contacts(&user, without), contacts(&other, without));
        for (name, contact) in &ours {
            for (member, value) in contact.as_object().unwrap() {
                assert_eq!(&theirs[name][member], value, "{format}: {name}: {member}");
            }
        }
        if format == "vcard" {
            assert_eq!(sorted_cards(&other), sorted_cards(&user));
        }
    }
}
