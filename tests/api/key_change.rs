//! A change of `SECRET_KEY` while replicas of both kinds serve: the three steps of docs/troubles.md,
//! each of which meets the one before.

use crate::second_factor::{code, log_in, turn_on};
use crate::world::{Actor, PASSWORD, World};
use chrono::Duration;
use contactd::config::Secret;
use contactd::worker;
use serde_json::{Value, json};

const OLD: &str = "the key before, of 32 bytes or more";
const NEW: &str = "the key after that, of 32 bytes or more";

/// A replica with this key, and this other one.
fn with_keys(world: &World, key: &str, other: Option<&str>) -> World {
    let mut config = world.app.config.clone();
    config.secret_key = Secret::new(key.to_owned());
    config.secret_key_old = other.map(|other| Secret::new(other.to_owned()));
    world.replica_of(config)
}

fn on(world: &World, actor: &Actor) -> Actor {
    Actor { app: world.app.clone(), ..actor.clone() }
}

/// An account of one of the replicas, and what it is found by.
struct Account {
    ann: Actor,
    totp: String,
}

fn refresh(by: &Actor, tokens: &Value) -> Value {
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    Actor { token: None, ..by.clone() }.post("/api/auth/refresh", body).expect(200).json()
}

/// Everything that a client got from `here` and brings to `there`, with what the worker of either does in
/// between.
fn from_to(here: &World, there: &World, account: &Account) {
    let (ann, totp) = (&account.ann, &account.totp);
    worker::purge(&there.app).unwrap();
    here.pass(Duration::seconds(30));
    // A login with a code, at each.
    let tokens = log_in(&on(here, ann), &code(totp, here)).expect(200).json();
    here.pass(Duration::seconds(30));
    log_in(&on(there, ann), &code(totp, here)).expect(200);
    // The access token, an app password, a list's cursor.
    let here_ann = on(here, ann).with_token(&tokens["access_token"]);
    let there_ann = on(there, &here_ann);
    there_ann.get("/api/users/me").expect(200);
    let secret = here_ann.app_password("read");
    for by in [&here_ann, &there_ann] {
        by.with_basic("ann", &secret).get("/api/contacts").expect(200);
    }
    for name in ["A", "B"] {
        here_ann.post("/api/contacts", json!({"first_name": name})).expect(201);
    }
    let list = here_ann.get("/api/contacts?limit=1").expect(200);
    let next = list.header("Link").split(['<', '>']).nth(1).unwrap().to_owned();
    there_ann.get(&next).expect(200);
    // A refresh whose answer was lost is repeated at the other one.
    let (once, again) = (refresh(&here_ann, &tokens), refresh(&there_ann, &tokens));
    assert_eq!(once["refresh_token"], again["refresh_token"]);
    let (once, again) = (refresh(&there_ann, &once), refresh(&here_ann, &once));
    assert_eq!(once["refresh_token"], again["refresh_token"]);
    there_ann.with_token(&once["access_token"]).get("/api/contacts").expect(200);
    // A page of one sends its form to the other, and so does the page that asks for a code.
    let anybody = |by: &Actor| Actor { token: None, ..by.clone() };
    let form = format!("username=ann&password={}", PASSWORD.replace(' ', "+"));
    let asks = anybody(&here_ann).post_form("/login", &form).expect(303);
    assert_eq!(asks.header("Location"), "/login/code");
    let handed = asks.header("Set-Cookie").split(';').next().unwrap().to_owned();
    let page = anybody(&there_ann).send("GET", "/login/code", &[("Cookie", &handed)], b"");
    let field = |page: &str, name: &str| {
        let value = page.split(&format!("name=\"{name}\" value=\"")).nth(1);
        value.unwrap_or_else(|| panic!("no {name}")).split('"').next().unwrap().to_owned()
    };
    here.pass(Duration::seconds(30));
    let ticket = field(&page.expect(200).text(), "ticket");
    let form = format!("ticket={ticket}&code={}", code(totp, here));
    let answer = anybody(&there_ann).post_form("/login/code", &form).expect(303);
    let cookie = answer.header("Set-Cookie").split(';').next().unwrap().to_owned();
    let settings = anybody(&here_ann).send("GET", "/settings", &[("Cookie", &cookie)], b"");
    let form = format!("csrf={}", field(&settings.expect(200).text(), "csrf"));
    let headers =
        [("Cookie", cookie.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    let answer = anybody(&there_ann).send("POST", "/logout", &headers, form.as_bytes());
    assert_eq!(answer.expect(303).header("Location"), "/");
}

#[test]
fn each_step_of_a_change_meets_the_one_before() {
    let world = World::new();
    let before = with_keys(&world, OLD, None);
    let ann = before.user("ann");
    let (totp, _) = turn_on(&before, &ann);
    let account = Account { ann, totp };
    let steps = [
        before,
        with_keys(&world, OLD, Some(NEW)),
        with_keys(&world, NEW, Some(OLD)),
        with_keys(&world, NEW, None),
    ];
    for pair in steps.windows(2) {
        let [here, there] = pair else { unreachable!() };
        from_to(here, there, &account);
        from_to(there, here, &account);
        // All replicas have come so far: the worker of the last one leaves nothing behind.
        worker::purge(&there.app).unwrap();
    }
    // What was handed out before still works after it: sessions, app passwords, the second factor.
    let last = &steps[3];
    last.pass(Duration::minutes(16));
    log_in(&on(last, &account.ann), &code(&account.totp, last)).expect(200);
}

/// Why there is a first step: a replica that knows the old key only cannot read what the new one makes.
#[test]
fn without_the_first_step_logins_with_a_code_fail() {
    let world = World::new();
    let before = with_keys(&world, OLD, None);
    let ann = before.user("ann");
    let (totp, _) = turn_on(&before, &ann);
    worker::purge(&with_keys(&world, NEW, Some(OLD)).app).unwrap();
    log_in(&on(&before, &ann), &code(&totp, &before)).expect(500);
}
