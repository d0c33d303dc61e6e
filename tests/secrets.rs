//! No hash, token or password in Redis, in the log or in an answer. A program of its own, because
//! a process has one log.

#![cfg(test)]

use contactd::mail::parse_smtp_url;
use serde_json::json;
use std::sync::Mutex;
use support::{authenticator, smtp, world};
use world::{Answer, PASSWORD, World, variable};

static LINES: Mutex<String> = Mutex::new(String::new());

struct Log;

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}\n", record.target(), record.args());
        LINES.lock().unwrap().push_str(&line);
    }

    fn flush(&self) {}
}

/// A value between two texts.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split(before).nth(1).and_then(|rest| rest.split(after).next()).expect(before)
}

/// A phone, a second factor, a browser and a calendar, and all that can go wrong with them. What opened
/// something, and the answers that must not show it.
fn devices(world: &World) -> (Vec<String>, Vec<Answer>) {
    let cleo = world.user("cleo");
    let nobody = world.nobody();
    let (mut secrets, mut answers) = (cleo.token.iter().cloned().collect::<Vec<_>>(), Vec::new());
    let phone = cleo.app_password("write");
    let (by_token, by_name) = (cleo.with_token(&json!(phone)), cleo.with_basic("cleo", &phone));
    for sender in [&by_token, &by_name] {
        answers.push(sender.get("/api/contacts").expect(200));
        answers.push(sender.get("/api/users/me").expect(401));
    }
    answers.push(by_name.send("PROPFIND", "/dav/", &[("Depth", "0")], b"").expect(207));
    answers.push(nobody.with_basic("ann", &phone).get("/api/contacts").expect(401));
    nobody.get(&format!("/api/contacts?token={phone}")).expect(401);
    answers.push(cleo.get("/api/users/me/app-passwords").expect(200));
    let id = answers.last().unwrap().json()[0]["id"].clone();

    let begun = cleo.post("/api/users/me/totp", json!({"password": PASSWORD})).expect(201).json();
    let secret = begun["secret"].as_str().unwrap().to_owned();
    answers.push(cleo.post("/api/users/me/totp/confirm", json!({"code": "1"})).expect(422));
    let body = json!({"code": authenticator::code(&secret, world.now())});
    let codes = cleo.post("/api/users/me/totp/confirm", body).expect(200).json();
    let codes: Vec<_> = codes["recovery_codes"].as_array().unwrap().clone();
    let codes: Vec<_> = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    for (code, status) in [(codes[0].as_str(), 200), (&codes[0], 401), ("aaaaa-aaaaa", 401)] {
        let body = json!({"username": "cleo", "password": PASSWORD, "code": code});
        let answer = nobody.post("/api/auth/login", body).expect(status);
        if status == 401 {
            answers.push(answer);
        }
    }
    let off = json!({"password": PASSWORD, "code": codes[0]});
    answers.push(cleo.delete_with("/api/users/me/totp", off).expect(422));

    let form = format!("username=cleo&password={}", PASSWORD.replace(' ', "+"));
    let first = nobody.post_form("/login", &form).expect(303);
    let handed = between(first.header("Set-Cookie"), "=", ";").to_owned();
    let cookie = first.header("Set-Cookie").split(';').next().unwrap().to_owned();
    let page = nobody.send("GET", "/login/code", &[("Cookie", &cookie)], b"").expect(200).text();
    let ticket = between(&page, "name=\"ticket\" value=\"", "\"").to_owned();
    answers.push(nobody.get(&format!("/login/code?ticket={ticket}")).expect(303));
    let form = |code: &str| format!("ticket={ticket}&code={code}");
    nobody.post_form("/login/code", &form("000000")).expect(422);
    let inside = nobody.post_form("/login/code", &form(&codes[1])).expect(303);
    let session = between(inside.header("Set-Cookie"), "__Host-contactd=", ";").to_owned();
    let with = format!("__Host-contactd={session}");
    answers.push(nobody.send("GET", "/contacts", &[("Cookie", &with)], b"").expect(200));
    answers.push(nobody.send("GET", "/settings", &[("Cookie", &with)], b"").expect(200));
    answers.push(nobody.send("GET", "/api/users/me", &[("Cookie", &with)], b"").expect(401));

    let url = cleo.post("/api/contacts/calendar-url", json!({})).expect(201).json();
    let path = url["url"].as_str().unwrap().replace("https://contacts.example", "");
    answers.push(nobody.get(&path).expect(200));
    let calendar = between(&path, "/calendars/", ".ics").to_owned();
    // Misspelt, and after its end.
    answers.push(nobody.get(&format!("/calendar/{calendar}.ics")).expect(404));
    answers.push(nobody.get(&format!("/calendars/{calendar}")).expect(404));
    answers.push(cleo.delete("/api/contacts/calendar-url").expect(204));
    answers.push(nobody.get(&path).expect(404));
    answers.push(cleo.get("/api/users/me/export").expect(200));
    answers.push(cleo.get("/api/users/me/sessions").expect(200));
    answers.push(cleo.delete(&format!("/api/users/me/app-passwords/{id}")).expect(204));
    answers.push(by_token.get("/api/contacts").expect(401));
    // As it is typed, and as it is read.
    secrets.extend([phone.replace('-', ""), phone, secret, handed, ticket, session, calendar]);
    secrets.extend(codes);
    (secrets, answers)
}

/// Every key and value of this world in Redis.
fn redis(world: &World) -> String {
    let client = redis::Client::open(variable("TEST_REDIS_URL")).unwrap();
    let mut connection = client.get_connection().unwrap();
    let pattern = format!("{}*", world.app.config.redis_prefix);
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query(&mut connection).unwrap();
    let mut all = String::new();
    for key in keys {
        let value: Vec<u8> = redis::cmd("GET").arg(&key).query(&mut connection).unwrap();
        all += &format!("{key} = {}\n", String::from_utf8_lossy(&value));
    }
    all
}

#[test]
fn a_whole_life_of_an_account_leaves_no_secret_anywhere() {
    log::set_logger(&Log).unwrap();
    // As the program does.
    log::set_max_level(log::LevelFilter::Info);
    let sink = smtp::Sink::start();
    let url = sink.url();
    let world = World::with(|config| {
        config.smtp = Some(parse_smtp_url(&url).unwrap());
        let rate = Some(contactd::config::Rate { count: 1_000, seconds: 60 });
        let rates = &mut config.rates;
        (rates.login, rates.login_failures, rates.mailbox, rates.me) = (rate, rate, rate, rate);
    });
    let nobody = world.nobody();
    let mut secrets =
        vec![PASSWORD.to_owned(), "another good one".to_owned(), "Wr0ng-Passw0rd".to_owned()];
    let mut answers: Vec<Answer> = Vec::new();
    let deliver = || {
        contactd::worker::deliver_due(&world.app).unwrap();
        sink.mails().last().unwrap().token().unwrap()
    };

    let body = json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD});
    answers.push(nobody.post("/api/auth/register", body).expect(201));
    // The first try fails, and the server says why in words of the mail.
    sink.behave(smtp::Behaviour::RefuseMailQuoting);
    contactd::worker::deliver_due(&world.app).unwrap();
    sink.behave(smtp::Behaviour::Accept);
    world.pass(chrono::Duration::minutes(1));
    let token = deliver();
    let path = format!("/api/auth/confirmed_email/{token}");
    nobody.get(&path).expect(200);
    // Misspelt paths may hold secrets too.
    nobody.get(&format!("/api/auth/confirm/{token}")).expect(404);
    nobody.get(&format!("/api/users?token={token}")).expect(401);
    answers.push(nobody.post("/api/auth/confirm-email", json!({ "token": token })).expect(200));
    answers.push(nobody.post("/api/auth/confirm-email", json!({ "token": token })).expect(400));
    secrets.push(token);
    let body = json!({"username": "ann", "password": "Wr0ng-Passw0rd"});
    answers.push(nobody.post("/api/auth/login", body).expect(401));
    // People type their password where the name belongs.
    let body = json!({"username": "another good one", "password": "x"});
    answers.push(nobody.post("/api/auth/login", body).expect(401));
    let ann = world::Actor { name: "ann".to_owned(), ..nobody.clone() };
    let tokens = ann.log_in(PASSWORD).expect(200).json();
    let mut ann = ann.with_token(&tokens["access_token"]);
    let body = json!({"refresh_token": tokens["refresh_token"]});
    let newer = nobody.post("/api/auth/refresh", body).expect(200).json();
    for tokens in [&tokens, &newer] {
        for name in ["access_token", "refresh_token"] {
            secrets.push(tokens[name].as_str().unwrap().to_owned());
        }
    }
    answers.push(ann.get("/api/users/me").expect(200));
    answers.push(ann.get("/api/users/me").expect(200));
    let found = redis(&world);
    assert!(found.contains("ann"), "the cache is in use: {found}");
    answers.push(ann.get("/api/users/me/sessions").expect(200));
    answers.push(ann.patch("/api/users/me", json!({"username": "ann2"})).expect(200));
    ann.name = "ann2".to_owned();
    nobody
        .post("/api/auth/request-password-reset", json!({"email": "ann@example.com"}))
        .expect(202);
    let token = deliver();
    nobody.get(&format!("/api/auth/reset-password/{token}")).expect(200);
    let form = format!("token={token}&new_password=another+good+one");
    answers.push(nobody.post_form("/api/auth/reset-password", &form).expect(200));
    answers.push(nobody.post_form("/api/auth/reset-password", &form).expect(400));
    secrets.push(token);
    let (of_devices, shown) = devices(&world);
    assert!(of_devices.len() > 17);
    secrets.extend(of_devices);
    answers.extend(shown);
    let root = world.admin("root");
    root.get("/api/users/me").expect(200);
    secrets.push(root.token.clone().unwrap());
    for path in ["/api/users", "/api/users/1", "/api/audit-events?limit=100", "/api/users/me"] {
        answers.push(root.get(path).expect(200));
    }
    ann.delete_with("/api/users/me", json!({"password": PASSWORD})).expect(401);
    // Broken input is answered without repeating it.
    let headers = [("Content-Type", "application/json")];
    let broken = format!("{{\"password\": \"{PASSWORD}\", }}");
    answers.push(nobody.send("POST", "/api/auth/login", &headers, broken.as_bytes()).expect(400));
    let odd = json!({"username": "ann", "password": "Wr0ng-Passw0rd", "email": 7});
    answers.push(nobody.post("/api/auth/register", odd).expect(422));

    let hashes: String = world.sql("SELECT string_agg(password_hash, ' ') FROM users");
    secrets.extend(hashes.split(' ').map(str::to_owned));
    secrets.push(String::from("argon2"));
    secrets.push(world.app.config.secret_key.reveal().to_owned());
    let report: String =
        answers.iter().map(|answer| format!("{:?}{}", answer.headers, answer.text())).collect();
    let log = LINES.lock().unwrap().clone();
    let redis = redis(&world);
    assert!(log.contains("/api/auth/confirmed_email/{token}"), "{log}");
    assert!(log.contains("/calendars/{secret}.ics"), "{log}");
    assert!(report.contains("recovery_code_used"), "the events are among the answers");
    for secret in &secrets {
        // Not even the beginning of one.
        let start: String = secret.chars().take(secret.len().min(24)).collect();
        for (place, text) in [("an answer", &report), ("the log", &log), ("Redis", &redis)] {
            // The head of every JWT is the same.
            let start = if secret.starts_with("eyJ") { secret } else { &start };
            assert!(!text.contains(start.as_str()), "{secret} in {place}");
        }
    }
    // And what would be a secret to other users: whose address tried to sign in.
    assert!(!log.contains("ann@example.com"), "{log}");
}
