//! The command line, as a program of its own.

#![cfg(test)]

use serde_json::json;
use server::Server;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::wire::Wire;
use support::{authenticator, server, smtp, world};
use world::{Actor, PASSWORD, World, variable};

const SECRET: &str = "very-secret-key-of-32-bytes-or-more!";

struct Ended {
    code: i32,
    out: String,
    err: String,
}

/// `contactd`, with nothing in its environment but what `./dev mutants` and `./dev coverage` pass
/// every program.
fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_contactd"));
    let report = ["MUTANT", "REACHED", "LLVM_PROFILE_FILE"];
    let report =
        report.into_iter().filter_map(|name| Some((name, world::optional_variable(name)?)));
    program.env_clear().envs(report);
    program
}

/// Runs `contactd` with these arguments, this input, and of the environment only what is given.
fn contactd(arguments: &[&str], input: &str, environment: &[(&str, &str)]) -> Ended {
    contactd_in(&std::env::temp_dir(), arguments, input, environment)
}

fn contactd_in(
    folder: &Path,
    arguments: &[&str],
    input: &str,
    environment: &[(&str, &str)],
) -> Ended {
    let mut child = program()
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who ends without reading closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let ended = Ended {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    };
    assert!(
        !ended.out.contains(SECRET) && !ended.err.contains(SECRET),
        "{}{}",
        ended.out,
        ended.err
    );
    ended
}

/// A schema of its own, and the environment that leads there.
struct Place {
    world: World,
    database: String,
}

impl Place {
    fn new() -> Place {
        let world = World::new();
        let schema = world.sql::<String>("SELECT current_schema()::text");
        let url = variable("TEST_DATABASE_URL");
        let joint = if url.contains('?') { '&' } else { '?' };
        let database = format!("{url}{joint}options=-csearch_path%3D{schema}");
        Place { world, database }
    }

    fn contactd(&self, arguments: &[&str], input: &str) -> Ended {
        let redis = variable("TEST_REDIS_URL");
        let mails = std::env::temp_dir().join("contactd-command-line-mails");
        contactd(
            arguments,
            input,
            &[
                ("DATABASE_URL", &self.database),
                ("REDIS_URL", &redis),
                ("SECRET_KEY", SECRET),
                ("MAIL_DIR", mails.to_str().unwrap()),
            ],
        )
    }
}

#[test]
fn create_admin_makes_a_confirmed_active_admin() {
    let place = Place::new();
    let arguments = ["create-admin", "--username", "Root", "--email", "Root@example.com"];
    let made = place.contactd(&arguments, &format!("{PASSWORD}\n"));
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{}", made.out);
    assert!(made.out.starts_with("admin Root made, with id "), "{}", made.out);
    assert!(!made.out.contains(PASSWORD));
    let root = Actor { name: "root".to_owned(), ..place.world.nobody() }.signed_in();
    let user = root.get("/api/users/me").expect(200).json();
    assert_eq!(
        (&user["role"], &user["is_verified"], &user["is_active"], &user["email"]),
        (&json!("admin"), &json!(true), &json!(true), &json!("Root@example.com"))
    );
    root.get("/api/users").expect(200);
    let events = root.get("/api/audit-events?action=registered").expect(200).json();
    assert_eq!(events[0]["request_id"], "create-admin", "{events}");
    // What exists is not touched, whatever its case.
    for other in [["ROOT", "new@example.com"], ["new", "ROOT@example.com"]] {
        let again = ["create-admin", "--email", other[1], "--username", other[0]];
        let refused = place.contactd(&again, &format!("{PASSWORD}\n"));
        assert_eq!(refused.code, 1);
        assert!(
            refused.err.starts_with("contactd: T") && refused.err.lines().count() == 1,
            "{}",
            refused.err
        );
    }
    assert_eq!(place.world.sql::<i64>("SELECT count(*) FROM users"), 1);
}

#[test]
fn create_user_makes_an_account_where_registration_is_closed() {
    let place = Place::new();
    let arguments = ["create-user", "--username", "ann", "--email", "ann@example.com"];
    let made = place.contactd(&arguments, &format!("{PASSWORD}\n"));
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{}", made.out);
    assert!(made.out.starts_with("user ann made, with id "), "{}", made.out);
    let ann = Actor { name: "ann".to_owned(), ..place.world.nobody() }.signed_in();
    let user = ann.get("/api/users/me").expect(200).json();
    assert_eq!((&user["role"], &user["is_verified"]), (&json!("user"), &json!(true)));
    ann.get("/api/users").expect(403);
    let request: String =
        place.world.sql("SELECT request_id FROM audit_events ORDER BY id LIMIT 1");
    assert_eq!(request, "create-user");
}

#[test]
fn create_admin_takes_the_password_as_it_is_and_by_the_same_rule() {
    let place = Place::new();
    let make = |name: &str, password: &str| {
        let email = format!("{name}@example.com");
        place.contactd(&["create-admin", "--username", name, "--email", &email], password)
    };
    for weak in ["", "short\n", "password123\n", "weakling\n", &"x".repeat(129)] {
        let refused = make("weakling", weak);
        assert_eq!(refused.code, 2, "{weak:?}");
        assert!(
            refused.err.contains("password") && !refused.err.contains("password123"),
            "{}",
            refused.err
        );
    }
    assert_eq!(make("ann", "  Авторизація 🔑  \r\nsecond line").code, 0);
    let ann = Actor { name: "ann".to_owned(), ..place.world.nobody() };
    ann.log_in("  Авторизація 🔑  ").expect(200);
    ann.log_in("Авторизація 🔑").expect(401);
    assert_eq!(make("bob", "no line break at the end").code, 0);
    let fits =
        place.contactd(&["create-admin", "--username", "a b", "--email", "x@y.zz"], PASSWORD);
    assert_eq!(fits.code, 2);
    assert!(fits.err.contains("username"), "{}", fits.err);
    let fits = place.contactd(&["create-admin", "--username", "abc", "--email", "x"], PASSWORD);
    assert_eq!(fits.code, 2);
    for usage in [
        &["create-admin"][..],
        &["create-admin", "--username", "ann"],
        &["create-admin", "--username"],
        &["create-user", "--username", "ann"],
        &["create-admin", "ann", "ann@example.com"],
        &["create-admin", "--username", "c1a", "--username", "c2a", "--email", "c@d.ee"],
        &["create-admin", "--username", "c1a", "--email", "c@d.ee", "--email", "e@f.gg"],
        &["create-admin", "--username", "c1a", "--email", "c@d.ee", "--password", "secret secret"],
        &["made-up"],
        &["serve", "now"],
    ] {
        assert_eq!(place.contactd(usage, PASSWORD).code, 2, "{usage:?}");
    }
}

#[test]
fn accounts_are_listed_disabled_and_helped() {
    let place = Place::new();
    let (ann, root) = (place.world.user("ann"), place.world.admin("root"));
    let user = |words: &[&str]| place.contactd(&[&["user"], words].concat(), "");
    let listed = user(&["list"]);
    let expected = format!(
        "{}\tann\tann@example.com\tuser\tactive\n{}\troot\troot@example.com\tadmin\tactive\n",
        ann.id, root.id
    );
    assert_eq!((listed.code, listed.out), (0, expected), "{}", listed.err);
    // By name or address; what is disabled is out at once.
    assert_eq!(user(&["disable", "ANN@example.com"]).code, 0);
    ann.get("/api/users/me").expect(401);
    assert!(user(&["list"]).out.contains("ann@example.com\tuser\tdisabled\n"));
    assert_eq!(user(&["password-link", "ann"]).code, 1);
    assert_eq!(user(&["enable", "ann"]).code, 0);
    let link = user(&["password-link", "ann"]);
    let token = link.out.trim().rsplit_once("/reset-password/").unwrap().1.to_owned();
    let body = json!({"token": token, "new_password": "another good one"});
    place.world.nobody().post("/api/auth/reset-password", body).expect(200);
    ann.log_in("another good one").expect(200);
    assert_eq!(user(&["reset-totp", "ann"]).out, "there was no second factor\n");
    // The last admin stays, and an unknown account is an error.
    let last = user(&["disable", "root"]);
    assert_eq!((last.code, last.err.as_str()), (1, "contactd: This is the last active admin.\n"));
    let nobody = user(&["disable", "nobody"]);
    assert_eq!((nobody.code, nobody.err.as_str()), (1, "contactd: there is no such account\n"));
    for usage in [&["list", "x"][..], &[], &["disable"], &["delete", "ann"]] {
        assert_eq!(user(usage).code, 2, "{usage:?}");
    }
    let events = root.get("/api/audit-events?action=disabled").expect(200).json();
    assert_eq!(events[0]["request_id"], "user");
    let restored = place.contactd(&["restored"], "");
    assert_eq!(restored.code, 0, "{}", restored.err);
}

#[test]
fn a_health_check_says_0_for_a_server_that_is_ready_and_1_for_none() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answers = ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 503 Service Unavailable\r\n\r\n", "", "x"];
    let server = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 512];
            let read = std::io::Read::read(&mut stream, &mut head).unwrap();
            assert!(head[..read].starts_with(b"GET /readyz HTTP/1.1\r\nHost: "));
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let environment = [
        ("DATABASE_URL", "postgres://a:b@127.0.0.1/c"),
        ("SECRET_KEY", SECRET),
        ("LISTEN_ADDR", &address),
    ];
    let ask = || contactd(&["healthcheck"], "", &environment).code;
    assert_eq!([ask(), ask(), ask(), ask()], [0, 1, 1, 1]);
    server.join().unwrap();
    // Nobody listens any more.
    assert_eq!(ask(), 1);
}

#[test]
fn a_health_check_asks_the_real_server() {
    let schema = world::unique_name();
    let url = variable("TEST_DATABASE_URL");
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    client.batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
    // With a wire before Postgres that can be cut.
    let parsed = url::Url::parse(&url).unwrap();
    let host = format!("{}:{}", parsed.host_str().unwrap(), parsed.port().unwrap_or(5432));
    let wire = Wire::to(&host);
    let database = server::database_url(&schema).replacen(&host, &wire.address(), 1);
    let mut server = Server::in_schema(&schema, &[("DATABASE_URL", &database)]);
    let address = server.address().to_owned();
    let ask = || {
        let environment =
            [("DATABASE_URL", &*database), ("SECRET_KEY", SECRET), ("LISTEN_ADDR", &address)];
        contactd(&["healthcheck"], "", &environment)
    };
    let ready = ask();
    assert_eq!((ready.code, ready.out.as_str(), ready.err.as_str()), (0, "ready\n", ""));
    wire.cut();
    let cut = ask();
    assert_eq!((cut.code, cut.out.as_str()), (1, ""));
    assert!(cut.err.starts_with("contactd: not ready: HTTP/1.1 503"), "{}", cut.err);
    server.stop();
    let gone = ask();
    assert_eq!((gone.code, gone.err.lines().count()), (1, 1), "{}", gone.err);
    assert!(gone.err.contains("refused"), "{}", gone.err);
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).unwrap();
}

#[test]
fn a_second_factor_is_taken_off_for_who_lost_everything() {
    let place = Place::new();
    let (ann, root) = (place.world.user("ann"), place.world.admin("root"));
    let reset = |name: &str| {
        let ended = place.contactd(&["user", "reset-totp", name], "");
        assert_eq!((ended.code, ended.err.as_str()), (0, ""));
        ended.out
    };
    for name in ["ann", "ANN@example.com"] {
        let body = json!({ "password": PASSWORD });
        let begun = ann.post("/api/users/me/totp", body).expect(201).json();
        let secret = begun["secret"].as_str().unwrap();
        let body = json!({"code": authenticator::code(secret, place.world.now())});
        ann.post("/api/users/me/totp/confirm", body).expect(200);
        ann.log_in(PASSWORD).expect(401);
        assert_eq!(reset(name), "the second factor is off\n");
        ann.log_in(PASSWORD).expect(200);
        assert_eq!(reset(name), "there was no second factor\n");
        place.world.pass(chrono::Duration::seconds(30));
    }
    // Sessions and everybody else's factor stay.
    ann.get("/api/users/me").expect(200);
    let events = root.get("/api/audit-events?action=totp_disabled").expect(200).json();
    assert_eq!(events.as_array().unwrap().len(), 2, "{events}");
    for (name, value) in
        [("user_id", json!(ann.id)), ("actor_id", json!(null)), ("ip", json!("local"))]
    {
        assert_eq!(events[0][name], value, "{events}");
    }
    assert_eq!(events[0]["request_id"], "user reset-totp");
    let nobody = place.contactd(&["user", "reset-totp", "nobody"], "");
    assert_eq!((nobody.code, nobody.err.as_str()), (1, "contactd: there is no such account\n"));
}

#[test]
fn each_secret_may_stand_in_a_file() {
    let place = Place::new();
    let sink = smtp::Sink::start();
    let folder = std::env::temp_dir().join(world::unique_name());
    std::fs::create_dir(&folder).unwrap();
    let values = [
        ("DATABASE_URL", place.database.clone()),
        ("REDIS_URL", variable("TEST_REDIS_URL")),
        ("SMTP_URL", sink.url()),
        ("SECRET_KEY", SECRET.to_owned()),
    ];
    let files = values.clone().map(|(name, value)| {
        let path = folder.join(name);
        // As an editor leaves it, and as `printf` does.
        let end = if name.len() > 8 { "\n" } else { "" };
        std::fs::write(&path, format!("{value}{end}")).unwrap();
        (format!("{name}_FILE"), path.to_str().unwrap().to_owned())
    });
    let files = files.each_ref().map(|(name, path)| (name.as_str(), path.as_str()));
    let good = contactd(&["check"], "", &files);
    assert_eq!(good.code, 0, "{}{}", good.out, good.err);
    for line in ["postgres: ok, the schema is up to date", "redis: ok", "smtp: ok"] {
        assert!(good.out.lines().any(|told| told == line), "{line}: {}", good.out);
    }
    // Both are a fault, and so is a file that is not there: one line that names the variable.
    for (at, (name, value)) in values.iter().enumerate() {
        let both: Vec<_> = files.into_iter().chain([(*name, value.as_str())]).collect();
        let ended = contactd(&["check"], "", &both);
        let told = format!("contactd: {name} and {name}_FILE are both set\n");
        assert_eq!((ended.code, ended.err), (2, told));
        let mut missing = files;
        missing[at].1 = "/nowhere/secret";
        let ended = contactd(&["check"], "", &missing);
        assert_eq!(ended.code, 2, "{name}");
        let told: Vec<_> = ended.err.lines().collect();
        let expected = format!("contactd: {name}_FILE cannot be read: ");
        assert!(told.iter().any(|line| line.starts_with(&expected)), "{told:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn migrate_and_create_admin_begin_with_an_empty_database() {
    let schema = world::unique_name();
    let url = variable("TEST_DATABASE_URL");
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    client.batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
    let joint = if url.contains('?') { '&' } else { '?' };
    let database = format!("{url}{joint}options=-csearch_path%3D{schema}");
    let run = |arguments: &[&str]| {
        contactd(arguments, PASSWORD, &[("DATABASE_URL", &database), ("SECRET_KEY", SECRET)])
    };
    for command in [&["user", "list"][..], &["user", "disable", "root"]] {
        let early = run(command);
        assert_eq!(early.code, 1, "{command:?}: {}", early.out);
        assert!(early.err.contains("contactd migrate"), "{command:?}: {}", early.err);
    }
    let checked = run(&["check"]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    assert!(checked.out.contains("migrations will be applied at start"), "{}", checked.out);
    assert_eq!(run(&["create-admin", "--username", "root", "--email", "r@e.xx"]).code, 0);
    let migrated = run(&["migrate"]);
    assert_eq!(
        (migrated.code, migrated.out.as_str()),
        (0, "0 migrations applied; the schema is up to date\n")
    );
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")).unwrap();
    let migrated = run(&["migrate"]);
    assert_eq!(migrated.code, 0);
    assert!(!migrated.out.starts_with("0 "), "{}", migrated.out);
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).unwrap();
}

#[test]
fn check_tells_of_each_part_in_a_line() {
    let place = Place::new();
    let good = place.contactd(&["check"], "");
    assert_eq!(good.code, 0, "{}{}", good.out, good.err);
    let lines: Vec<_> = good.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", good.out);
    assert_eq!(
        lines[..3],
        ["configuration: ok", "postgres: ok, the schema is up to date", "redis: ok"]
    );
    assert!(lines[3].starts_with("smtp: off"), "{}", lines[3]);
    let sink = smtp::Sink::start();
    let url = sink.url();
    let mail = [("DATABASE_URL", &*place.database), ("SECRET_KEY", SECRET), ("SMTP_URL", &url)];
    let good = contactd(&["check"], "", &mail);
    assert!(good.out.ends_with("\nredis: off\nsmtp: ok\n"), "{}", good.out);

    // Nothing listens at port 1. Without Redis and mail it could serve, without Postgres not.
    let bad = contactd(
        &["check"],
        "",
        &[
            ("DATABASE_URL", &place.database),
            ("SECRET_KEY", SECRET),
            ("REDIS_URL", &format!("redis://:{SECRET}@127.0.0.1:1/")),
            ("SMTP_URL", &format!("smtp://me:{SECRET}@127.0.0.1:1")),
        ],
    );
    assert_eq!(bad.code, 0, "{}", bad.err);
    assert!(
        bad.out.contains("redis: down: Connection refused")
            && bad.out.contains("smtp: SMTP server"),
        "{}",
        bad.out
    );
    let gone = contactd(
        &["check"],
        "",
        &[
            ("DATABASE_URL", &format!("postgres://u:{SECRET}@127.0.0.1:1/db")),
            ("SECRET_KEY", SECRET),
        ],
    );
    assert_eq!(gone.code, 1);
    assert!(
        gone.out.contains("redis: off\n") && gone.out.contains("configuration: ok\n"),
        "{}",
        gone.out
    );
    assert!(gone.out.contains("Connection refused"), "{}", gone.out);
    assert_eq!(gone.err, "contactd: Postgres cannot be used\n");

    // What does not answer, and what is no Redis, each in one line.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let mail = url.trim_start_matches("smtp://").trim_end_matches("?tls=off");
    for (redis, told) in [(&*silent, "no answer in time"), (mail, "Parse error")] {
        let redis = format!("redis://{redis}/");
        let settings =
            [("DATABASE_URL", &*place.database), ("SECRET_KEY", SECRET), ("REDIS_URL", &*redis)];
        let bad = contactd(&["check"], "", &settings);
        let lines: Vec<_> = bad.out.lines().collect();
        assert!(lines.len() == 4 && lines[2].starts_with("redis: down: "), "{}", bad.out);
        assert!(lines[2].contains(told), "{}", bad.out);
    }

    // What would stop a start is found here too.
    let mails = std::env::temp_dir().join("contactd-command-line-no-folder");
    std::fs::write(&mails, "a file, where a folder should be").unwrap();
    place.world.app.db.write(|db| db.batch("UPDATE migrations SET checksum = 'x'")).unwrap();
    let check = |mails: &std::path::Path| {
        let settings = [
            ("DATABASE_URL", place.database.as_str()),
            ("SECRET_KEY", SECRET),
            ("MAIL_DIR", mails.to_str().unwrap()),
        ];
        contactd(&["check"], "", &settings)
    };
    let (wrong, changed) = (check(&mails), check(&mails.join("below")));
    std::fs::remove_file(&mails).unwrap();
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("MAIL_DIR must be a directory"), "{}", wrong.err);
    assert_eq!(changed.code, 1);
    assert!(changed.out.contains("postgres: migration 001_schema was changed"), "{}", changed.out);
    assert!(changed.out.contains("smtp: MAIL_DIR /"), "{}", changed.out);
}

/// Of several hosts the first may be a machine that is off, which answers nothing at all.
#[test]
fn a_start_waits_for_the_next_host_of_postgres() {
    let place = Place::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap();
    // Nobody takes these, and when the queue is full the system drops whatever comes.
    let connect = || std::net::TcpStream::connect_timeout(&silent, Duration::from_millis(300)).ok();
    let _queue: Vec<_> = std::iter::from_fn(connect).collect();
    let database = place.database.replacen('@', &format!("@{silent},"), 1);
    let settings = [("DATABASE_URL", database.as_str()), ("SECRET_KEY", SECRET)];
    for command in [&["check"][..], &["migrate"], &["user", "list"]] {
        let ended = contactd(command, "", &settings);
        assert_eq!(ended.code, 0, "{command:?}: {}{}", ended.out, ended.err);
    }
    // It takes no second connection, which a Postgres that is nearly full has not.
    let role = world::unique_name();
    let schema: String = place.world.sql("SELECT current_schema()::text");
    let make = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'letters' CONNECTION LIMIT 1;
         GRANT USAGE ON SCHEMA {schema} TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"
    );
    place.world.app.db.write(|db| db.batch(&make)).unwrap();
    let mut url = url::Url::parse(&place.database).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("letters")).unwrap();
    let settings = [("DATABASE_URL", url.as_str()), ("SECRET_KEY", SECRET)];
    let ended = contactd(&["check"], "", &settings);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

/// A start ends with these, or every change fails: the operator hears of it before.
#[test]
fn check_tells_of_a_database_that_nothing_can_be_written_to() {
    let place = Place::new();
    let check = |database: &str| {
        let settings = [("DATABASE_URL", database), ("SECRET_KEY", SECRET)];
        let ended = contactd(&["check"], "", &settings);
        assert_eq!(ended.err, "contactd: Postgres cannot be used\n", "{}", ended.out);
        assert_eq!(ended.code, 1);
        ended.out.lines().find_map(|line| line.strip_prefix("postgres: ")).unwrap().to_owned()
    };
    let read_only = format!("{}%20-cdefault_transaction_read_only=on", place.database);
    assert!(check(&read_only).contains("read-only"), "{}", check(&read_only));
    // Tables are still to be made, by a role that may not.
    let (role, schema) = (world::unique_name(), world::unique_name());
    let make = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'letters'; CREATE SCHEMA {schema};
         GRANT USAGE ON SCHEMA {schema} TO {role}"
    );
    place.world.app.db.write(|db| db.batch(&make)).unwrap();
    let mut url = url::Url::parse(&variable("TEST_DATABASE_URL")).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("letters")).unwrap();
    let told = check(&format!("{url}?options=-csearch_path%3D{schema}"));
    assert!(told.contains("may not make tables"), "{told}");
}

/// It is often run by root, and a server of another account could write nothing to a folder of root's.
#[test]
fn check_leaves_no_folder_for_mails_behind() {
    let place = Place::new();
    let folder = std::env::temp_dir().join(world::unique_name());
    let check = |mails: &Path| {
        let settings = [
            ("DATABASE_URL", place.database.as_str()),
            ("SECRET_KEY", SECRET),
            ("MAIL_DIR", mails.to_str().unwrap()),
        ];
        let ended = contactd(&["check"], "", &settings);
        assert!(ended.out.contains("smtp: off, mails are written to"), "{}", ended.out);
    };
    check(&folder.join("below/mails"));
    assert!(!folder.exists());
    // What was there stays.
    std::fs::create_dir(&folder).unwrap();
    check(&folder);
    check(&folder.join("mails"));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    std::fs::remove_dir(&folder).unwrap();
}

#[test]
fn arguments_that_are_no_text_and_a_reader_that_goes_away_are_no_panic() {
    use std::os::unix::ffi::OsStrExt;
    let odd = std::ffi::OsStr::from_bytes(b"\xff");
    let ended = program().arg(odd).output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(ended.stderr, b"contactd: an argument is not valid UTF-8\n");

    let odd = ("DATABASE_URL", odd);
    let ended = program()
        .arg("check")
        .env(odd.0, odd.1)
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    let report = String::from_utf8(ended.stderr).unwrap();
    assert!(report.contains("DATABASE_URL is not valid UTF-8\n"), "{report}");

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = program().arg("openapi").stdout(writer).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));

    // Every write to this device finds the disk full.
    let full = std::fs::File::create("/dev/full").unwrap();
    let ended = program().arg("openapi").stdout(full).output().unwrap();
    let report = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{report}");
    assert!(report.contains("standard output: No space left"), "{report}");

    // The code says what was wrong where nothing can be written down; the unit goes by it.
    let full = std::fs::File::create("/dev/full").unwrap();
    let ended = program().arg("check").current_dir(std::env::temp_dir()).stderr(full).output();
    assert_eq!(ended.unwrap().status.code(), Some(2));
}

#[test]
fn a_wrong_setting_stops_every_start_with_a_line_that_names_it() {
    for command in [
        &[][..],
        &["serve"],
        &["migrate"],
        &["check"],
        &["create-admin", "--username", "abc", "--email", "a@b.cc"],
    ] {
        let ended = contactd(
            command,
            PASSWORD,
            &[
                ("DATABASE_URL", &format!("mysql://u:{SECRET}@h/d")),
                ("SECRET_KEY", "short-secret"),
                ("SMTP_URL", &format!("smtp://u:{SECRET}@h?tls=maybe")),
                ("RATE_LIMIT_LOGIN", "many"),
                ("TRUSTED_PROXIES", "everybody"),
            ],
        );
        assert_eq!(ended.code, 2, "{command:?}");
        assert!(!ended.err.contains("short-secret"), "{}", ended.err);
        for name in
            ["DATABASE_URL", "SECRET_KEY", "SMTP_URL", "RATE_LIMIT_LOGIN", "TRUSTED_PROXIES"]
        {
            let report = ended.err.lines().filter(|line| line.contains(name)).count();
            assert_eq!(report, 1, "{name}: {}", ended.err);
        }
        assert_eq!(ended.err.lines().count(), 5, "{}", ended.err);
    }
    let nothing = contactd(&["check"], "", &[]);
    assert_eq!(nothing.code, 2);
    assert_eq!(
        nothing.err,
        "contactd: DATABASE_URL is required\ncontactd: SECRET_KEY is required\n"
    );
}

#[test]
fn settings_come_from_the_file_and_the_environment_beats_it() {
    let folder = std::env::temp_dir().join(world::unique_name());
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join(".env");
    let check = |environment: &[(&str, &str)]| {
        let ended = contactd_in(&folder, &["check"], "", environment);
        assert_eq!(ended.code, 2, "{}{}", ended.out, ended.err);
        ended.err
    };
    let good = [("DATABASE_URL", "postgres://u@127.0.0.1:1/db"), ("SECRET_KEY", SECRET)];
    let set = good.map(|(name, value)| format!("{name}={value}\n")).concat();
    std::fs::write(&file, format!("{set}LOG_FORMAT=xml\nDB_POOL_SIZE=many\n")).unwrap();
    let report = check(&[("DB_POOL_SIZE", "4")]);
    assert_eq!(report, "contactd: LOG_FORMAT must be text or json\n");
    // An empty value is an unset one.
    let report = check(&[("DB_POOL_SIZE", "4"), ("SECRET_KEY", ""), ("LOG_FORMAT", " ")]);
    assert_eq!(report, "contactd: LOG_FORMAT must be text or json\n");
    // Nothing else may be missing for it: who wrote the line meant something.
    std::fs::write(&file, format!("LOG FORMAT=json {SECRET}\n")).unwrap();
    let report = check(&good);
    assert!(report.starts_with("contactd: .env: line 1 cannot be read"), "{report}");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let report = check(&good);
    assert!(report.starts_with("contactd: .env: cannot be read"), "{report}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn help_and_version_need_no_settings() {
    let help = contactd(&["--help"], "", &[]);
    assert_eq!(help.code, 0);
    for word in ["serve", "migrate", "create-admin", "check", "--version"] {
        assert!(help.out.contains(word), "{word}");
    }
    for command in [&["help"][..], &["-h"], &["check", "--help"], &["user", "list", "-h"]] {
        let same = contactd(command, "", &[]);
        assert_eq!((same.code, same.out), (0, help.out.clone()), "{command:?}: {}", same.err);
    }
    let wrong = contactd(&["chekc"], "", &[]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.starts_with("contactd: unknown command: chekc\n"), "{}", wrong.err);
    let surplus = contactd(&["migrate", "now"], "", &[]);
    assert_eq!(surplus.code, 2);
    assert!(surplus.err.starts_with("contactd: unknown command: migrate now\n"), "{}", surplus.err);
    let version = contactd(&["--version"], "", &[]);
    assert_eq!(version.out, format!("contactd {}\n", env!("CARGO_PKG_VERSION")));
}
