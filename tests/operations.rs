//! The commands of docs/operations.md that need nothing but the stores, run as they stand there:
//! a backup is restored and served, and an upgrade of ICU is followed.

#![cfg(test)]

use postgres::{Client, NoTls};
use serde_json::{Value, json};
use server::Server;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};
use support::server;
use support::world;

/// The shell code of operations.md under a heading, one block after the other.
fn blocks_under(heading: &str) -> Vec<&'static str> {
    let page = include_str!("../docs/operations.md");
    let section = page
        .split("\n#")
        .find(|section| section.trim_start_matches(['#', ' ']).starts_with(heading));
    let blocks = section.unwrap().split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

/// Runs a block as an operator would, with the programs of the Postgres that the tests run.
fn run(script: &str, variables: &[(&str, &str)]) {
    let folder = std::env::temp_dir().join(world::unique_name());
    run_in(&folder, script, variables);
    std::fs::remove_dir_all(folder).unwrap();
}

fn run_in(folder: &std::path::Path, script: &str, variables: &[(&str, &str)]) {
    std::fs::create_dir_all(folder).unwrap();
    // contactd lies two folders above this test's own program.
    let test = std::env::current_exe().unwrap();
    let programs = test.ancestors().nth(2).unwrap().display();
    let output = Command::new("bash")
        .args([
            "-c",
            &format!("set -euo pipefail\nPATH=$TEST_POSTGRES_BIN:{programs}:$PATH\n{script}"),
        ])
        .current_dir(folder)
        .env("SECRET_KEY", "a secret for tests, of 32 bytes or more")
        .envs(variables.iter().copied())
        .output()
        .expect("bash");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{script}\n{errors}");
}

/// A new database beside the one of the tests. They go with the throw-away Postgres.
fn database() -> String {
    let (all, name) = (world::variable("TEST_DATABASE_URL"), world::unique_name());
    Client::connect(&all, NoTls)
        .unwrap()
        .batch_execute(&format!("CREATE DATABASE {name}"))
        .unwrap();
    let (server, _) = all.split('?').next().unwrap().rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// A server of a database, and of a Redis database that no other one of these tests has.
fn serve(database: &str, redis: u8) -> Server {
    let url = world::variable("TEST_REDIS_URL");
    let redis = format!("{}{redis}", url.trim_end_matches('0'));
    Server::with(&[("DATABASE_URL", database), ("REDIS_URL", &redis)])
}

const PASSWORD: &str = "correct horse battery";

fn register(server: &Server, name: &str) {
    let email = format!("{name}@example.com");
    let account = json!({"username": name, "email": email, "password": PASSWORD});
    call(server, "POST", "/api/auth/register", "", &account.to_string(), 201);
}

/// Signs in; the header for what follows.
fn sign_in(server: &Server, name: &str) -> String {
    let typed = json!({"username": name, "password": PASSWORD}).to_string();
    let tokens = call(server, "POST", "/api/auth/login", "", &typed, 200);
    format!("Authorization: Bearer {}\r\n", tokens["access_token"].as_str().unwrap())
}

fn call(server: &Server, method: &str, path: &str, token: &str, body: &str, status: u16) -> Value {
    let headers = format!("{token}Content-Type: application/json\r\n");
    let (answered, body) = server.ask(method, path, &headers, body).unwrap();
    assert_eq!(answered, status, "{method} {path}: {body}\n{}", server.log());
    serde_json::from_str(&body).unwrap_or(Value::Null)
}

#[test]
fn a_backup_is_restored_and_served() {
    let (old, new) = (database(), database());
    let mut first = serve(&old, 7);
    register(&first, "ann");
    let confirm = "UPDATE users SET is_verified = true";
    Client::connect(&old, NoTls).unwrap().batch_execute(confirm).unwrap();
    let token = sign_in(&first, "ann");
    let contact = json!({"first_name": "Jürgen", "last_name": "Müller", "birthday": "1990-02-28",
        "phone": "+49 30 123", "labels": ["work"], "additional_data": "x".repeat(3_000)});
    let added = call(&first, "POST", "/api/contacts", &token, &contact.to_string(), 201);
    let contact = json!({"first_name": "Їжак"}).to_string();
    let trashed = call(&first, "POST", "/api/contacts", &token, &contact, 201);
    let path = format!("/api/contacts/{}", trashed["id"]);
    call(&first, "DELETE", &path, &token, "", 204);

    let folder = std::env::temp_dir().join(world::unique_name());
    let variables = [("DATABASE_URL", old.as_str()), ("NEW_DATABASE_URL", new.as_str())];
    let blocks = blocks_under("Back up and restore");
    assert_eq!(blocks.len(), 3);
    let mut lost = String::new();
    for (number, block) in blocks.iter().enumerate() {
        run_in(&folder, block, &variables);
        if number == 0 {
            // It has everybody's contacts and the links of mails that wait.
            let backup = std::fs::metadata(folder.join("contactd.dump")).unwrap();
            assert_eq!(backup.permissions().mode() & 0o077, 0, "others may read the backup");
            // After the backup, which a server does not mind, there is an account more.
            register(&first, "bob");
            Client::connect(&old, NoTls).unwrap().batch_execute(confirm).unwrap();
            lost = sign_in(&first, "bob");
            call(&first, "GET", "/api/users/me", &lost, "", 200);
        }
        first.stop();
    }
    std::fs::remove_dir_all(folder).unwrap();

    let second = serve(&new, 8); // stands for the Redis that was emptied
    assert!(!second.log().contains("migrations applied"), "{}", second.log());
    let (status, _) = second.ask("GET", "/api/users/me", &token, "").unwrap();
    assert_eq!(status, 401, "a session of before");
    // Nobody gets the number of an account, or of its session, that was lost.
    register(&second, "eve");
    Client::connect(&new, NoTls).unwrap().batch_execute(confirm).unwrap();
    sign_in(&second, "eve");
    let (status, body) = second.ask("GET", "/api/users/me", &lost, "").unwrap();
    assert_eq!(status, 401, "a token of a lost account: {body}");
    let token = sign_in(&second, "ann");
    let found = call(&second, "GET", "/api/contacts?search=muller", &token, "", 200);
    assert_eq!(found, json!([added]));
    let found = call(&second, "GET", "/api/contacts?search=xxxx", &token, "", 200);
    assert_eq!(found, json!([added]), "long ones are folded elsewhere");
    call(&second, "GET", &format!("/api/contacts/{}", added["id"]), &token, "", 200);
    call(&second, "POST", &format!("{path}/restore"), &token, "", 200);
    // Numbers go on where they were.
    let contact = json!({"first_name": "New"}).to_string();
    let newer = call(&second, "POST", "/api/contacts", &token, &contact, 201);
    assert!(newer["id"].as_i64() > trashed["id"].as_i64(), "{newer}");
    let waiting = "SELECT count(*) FROM outbox WHERE done_at IS NULL";
    let waiting: i64 =
        Client::connect(&new, NoTls).unwrap().query_one(waiting, &[]).unwrap().get(0);
    assert_eq!(waiting, 0);
}

/// Each command of the pages that writes a backup, those that wait for cron and for Docker too.
#[test]
fn no_backup_can_be_read_by_others() {
    let page = include_str!("../docs/operations.md");
    let blocks = page.split("\n```").skip(1).step_by(2);
    let backups = blocks.flat_map(|block| match block.starts_with("text") {
        true => block.lines().collect(),
        false => vec![block],
    });
    let backups: Vec<_> = backups.filter(|it| it.contains("pg_dump")).collect();
    assert_eq!(backups.len(), 4, "{backups:?}");
    for backup in backups {
        let (before, _) = backup.split_once("pg_dump").unwrap();
        assert!(before.contains("umask 077"), "{backup}");
    }
}

/// A connection that could not be opened for want of descriptors is opened once there are some.
#[test]
fn a_server_that_ran_out_of_descriptors_serves_again() {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
    let url = database();
    let server = Server::with(&[("DATABASE_URL", &url), ("REDIS_URL", ""), ("DB_POOL_SIZE", "1")]);
    let is_ready = || matches!(server.ask("GET", "/readyz", "", ""), Ok((200, _)));
    assert!(is_ready(), "{}", server.log());
    let pid = Pid::from_raw(server.pid());
    // The hard limit, which the server made its own, is that of this test.
    let before = getrlimit(Resource::Nofile);
    prlimit(pid, Resource::Nofile, Rlimit { current: Some(4), ..before }).unwrap();
    // Its worker asks every two seconds, and has to open another connection then.
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'contactd'";
    Client::connect(&url, NoTls).unwrap().execute(end, &[]).unwrap();
    let log = server.log_with("no Postgres connection");
    assert!(log.contains("no Postgres connection"), "{log}");
    prlimit(pid, Resource::Nofile, before).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while !is_ready() {
        assert!(Instant::now() < until, "{}", server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Statements that stand in the pages for operators, within a line or in a block.
#[test]
fn what_the_pages_ask_postgres_is_understood() {
    let url = database();
    drop(serve(&url, 10)); // makes the tables
    let mut client = Client::connect(&url, NoTls).unwrap();
    let pages =
        [include_str!("../docs/operations.md"), include_str!("../docs/troubles.md")].join("\n");
    let blocks = pages.split("```sql\n").skip(1).map(|block| block.split("```").next().unwrap());
    let spans = pages.split('`').skip(1).step_by(2);
    let is_ours = |it: &&str| {
        ["SELECT ", "UPDATE ", "DELETE FROM "].iter().any(|verb| it.trim_start().starts_with(verb))
    };
    let statements = blocks.flat_map(|block| block.split(';')).chain(spans).filter(is_ours);
    let mut understood = 0;
    for statement in statements {
        client.prepare(statement).unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        understood += 1;
    }
    assert!(understood >= 10, "only {understood}: does the test still read them?");
}

#[test]
fn an_upgrade_of_icu_is_followed() {
    let url = database();
    let mut server = serve(&url, 9);
    register(&server, "ann");
    server.stop();
    let mut client = Client::connect(&url, NoTls).unwrap();
    // Made by another ICU, as far as Postgres can see.
    let older = "UPDATE pg_collation SET collversion = '1.2' WHERE collname = 'und-x-icu'";
    client.batch_execute(older).unwrap();
    let [block] = blocks_under("Postgres, ICU and the collation").try_into().unwrap();
    run(block, &[("DATABASE_URL", &url), ("PGOPTIONS", "-c client_min_messages=error")]);
    let mut one = |query: &str| -> bool { client.query_one(query, &[]).unwrap().get(0) };
    assert!(one("SELECT collversion = pg_collation_actual_version(oid) FROM pg_collation
         WHERE collname = 'und-x-icu'"));
}

#[test]
fn servers_do_without_the_right_to_change_the_schema() {
    let database = database();
    let mut owner = Client::connect(&database, NoTls).unwrap();
    drop(serve(&database, 13)); // the owner migrates
    let role = world::unique_name();
    owner
        .batch_execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'letters';
            REVOKE CREATE ON SCHEMA public FROM PUBLIC;
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"
        ))
        .unwrap();
    let (scheme, rest) = database.split_once("://").unwrap();
    let serving = format!("{scheme}://{role}:letters@{}", rest.split_once('@').unwrap().1);
    let mut client = Client::connect(&serving, NoTls).unwrap();
    assert!(client.batch_execute("CREATE TABLE mine (id bigint)").is_err());
    assert!(client.batch_execute("ALTER TABLE users DROP COLUMN username").is_err());
    let server = serve(&serving, 13);
    register(&server, "ann");
    owner.batch_execute("UPDATE users SET is_verified = true").unwrap();
    let token = sign_in(&server, "ann");
    call(&server, "POST", "/api/contacts", &token, r#"{"first_name": "Bob"}"#, 201);
    let contacts = call(&server, "GET", "/api/contacts", &token, "", 200);
    assert_eq!(contacts[0]["first_name"], "Bob");
    // Its settings are those that the command after a backup gets.
    drop(server);
    run_in(&std::env::temp_dir(), "contactd restored", &[("DATABASE_URL", &serving)]);
    let next = "SELECT nextval('users_id_seq') > 1000000";
    assert!(owner.query_one(next, &[]).unwrap().get::<_, bool>(0));
}
