//! Redis goes away and comes back.

use crate::redis_server::RedisServer;
use crate::server::Server;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const JSON: &str = "Content-Type: application/json\r\n";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

/// Registers, confirms and signs in over HTTP; the header with the access token.
pub fn sign_in(server: &Server, name: &str) -> String {
    let (email, password) = (format!("{name}@example.com"), "correct horse battery");
    let body = json!({"username": name, "email": email, "password": password}).to_string();
    assert_eq!(server.ask("POST", "/api/auth/register", JSON, &body).unwrap().0, 201);
    let deadline = Instant::now() + Duration::from_secs(20);
    let token = loop {
        let mails = std::fs::read_dir(&server.mail_dir).unwrap().map(|file| file.unwrap().path());
        let mails = mails.filter(|path| path.extension().is_some_and(|ending| ending == "eml"));
        let mut mails =
            mails.map(|path| crate::world::Mail(std::fs::read_to_string(path).unwrap()));
        match mails.find(|mail| mail.header("To") == email).and_then(|mail| mail.token()) {
            Some(token) => break token,
            None => assert!(Instant::now() < deadline, "no mail: {}", server.log()),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let body = json!({ "token": token }).to_string();
    assert_eq!(server.ask("POST", "/api/auth/confirm-email", JSON, &body).unwrap().0, 200);
    let body = json!({"username": name, "password": password}).to_string();
    let (status, tokens) = server.ask("POST", "/api/auth/login", JSON, &body).unwrap();
    assert_eq!(status, 200, "{tokens}");
    format!("Authorization: Bearer {}\r\n", json(&tokens)["access_token"].as_str().unwrap())
}

fn redis_state(server: &Server) -> String {
    let (status, body) = server.ask("GET", "/readyz", "", "").unwrap();
    assert_eq!(status, 200, "{body}");
    json(&body)["redis"].as_str().unwrap().to_owned()
}

/// Works for a while as a client does; every answer must be a good one. How many there were.
fn work(server: &Server, auth: &str, time: Duration) -> usize {
    let end = Instant::now() + time;
    let mut answers = 0;
    while Instant::now() < end {
        let (status, body) = server.ask("GET", "/api/users/me", auth, "").unwrap();
        assert_eq!(status, 200, "{body}");
        let headers = format!("{auth}{JSON}");
        let contact = json!({ "first_name": format!("Number {answers}") }).to_string();
        let (status, body) = server.ask("POST", "/api/contacts", &headers, &contact).unwrap();
        assert_eq!(status, 201, "{body}");
        answers += 2;
    }
    answers
}

#[test]
fn redis_killed_and_started_again_gives_no_error_and_the_cache_comes_back() {
    let mut redis = RedisServer::start();
    let url = redis.url();
    let off = ["DEFAULT", "ME", "LOGIN", "REGISTER"].map(|name| format!("RATE_LIMIT_{name}"));
    let mut settings: Vec<_> = off.iter().map(|name| (name.as_str(), "off")).collect();
    settings.push(("REDIS_URL", &url));
    let server = Server::with(&settings);
    let auth = sign_in(&server, "ann");
    assert_eq!(redis_state(&server), "ok");
    assert!(work(&server, &auth, Duration::from_secs(1)) > 10);

    redis.kill();
    assert!(work(&server, &auth, Duration::from_secs(2)) > 10, "slow without Redis");
    assert_eq!(redis_state(&server), "down");
    // Writes that the cache has to hear of work as well.
    let body = json!({ "username": "anna" }).to_string();
    let headers = format!("{auth}{JSON}");
    assert_eq!(server.ask("PATCH", "/api/users/me", &headers, &body).unwrap().0, 200);
    let (_, me) = server.ask("GET", "/api/users/me", &auth, "").unwrap();
    assert_eq!(json(&me)["username"], "anna");

    redis.restart();
    let deadline = Instant::now() + Duration::from_secs(10);
    let client = ::redis::Client::open(url.as_str()).unwrap();
    let cached = || -> Vec<String> {
        ::redis::cmd("KEYS").arg("*cu:*").query(&mut client.get_connection().unwrap()).unwrap()
    };
    while cached().is_empty() {
        assert!(Instant::now() < deadline, "the cache did not come back: {}", server.log());
        work(&server, &auth, Duration::from_millis(100));
    }
    assert_eq!(redis_state(&server), "ok");
}

#[test]
fn a_hanging_redis_gives_no_error() {
    let redis = RedisServer::start();
    let url = redis.url();
    let server = Server::with(&[
        ("REDIS_URL", &url),
        ("RATE_LIMIT_DEFAULT", "off"),
        ("RATE_LIMIT_ME", "off"),
    ]);
    let auth = sign_in(&server, "ann");
    redis.hang();
    assert!(work(&server, &auth, Duration::from_secs(2)) > 10, "slow while Redis hangs");
    redis.go_on();
    work(&server, &auth, Duration::from_secs(1));
}
