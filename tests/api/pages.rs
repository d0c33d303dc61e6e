//! The pages behind mailed links.

use crate::world::{Answer, PASSWORD, World};
use serde_json::json;

fn page(answer: Answer, status: u16) -> String {
    let answer = answer.expect(status);
    assert_eq!(answer.header("Content-Type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("X-Frame-Options"), "DENY");
    assert_eq!(answer.header("Cache-Control"), "no-store");
    let policy = answer.header("Content-Security-Policy");
    for part in
        ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"));
    answer.text()
}

/// Asks for a reset of ann and gives the token.
fn reset_token(world: &World) -> String {
    let body = json!({"email": "ann@example.com"});
    world.nobody().post("/api/auth/request-password-reset", body).expect(202);
    world.link_token("ann@example.com")
}

#[test]
fn opening_a_link_changes_nothing_however_often() {
    let world = World::new();
    let nobody = world.nobody();
    let ann = json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD});
    nobody.post("/api/auth/register", ann).expect(201);
    let token = world.link_token("ann@example.com");
    let state = "SELECT (SELECT string_agg(u::text, '') FROM users u) || (SELECT string_agg(m::text, '') FROM mail_tokens m)
        || (SELECT count(*) FROM audit_events)";
    let before = world.sql::<String>(state);
    for path in ["/api/auth/confirmed_email/", "/api/auth/reset-password/"] {
        for method in ["GET", "HEAD"] {
            for _ in 0..3 {
                nobody.send(method, &format!("{path}{token}"), &[], b"");
            }
        }
    }
    assert_eq!(world.sql::<String>(state), before);
    nobody.post("/api/auth/confirm-email", json!({ "token": token })).expect(200);
}

#[test]
fn the_button_confirms_and_a_dead_link_offers_another() {
    let world = World::new();
    let nobody = world.nobody();
    let ann = json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD});
    nobody.post("/api/auth/register", ann).expect(201);
    let token = world.link_token("ann@example.com");
    let path = format!("/api/auth/confirmed_email/{token}");
    let text = page(nobody.get(&path), 200);
    assert!(text.contains("action=\"/api/auth/confirm-email?lang=en\"") && text.contains(&token));
    let form = format!("token={token}");
    let text = page(nobody.post_form("/api/auth/confirm-email", &form), 200);
    assert!(text.contains("is confirmed"));
    for dead in [nobody.get(&path), nobody.post_form("/api/auth/confirm-email", &form)] {
        let text = page(dead, 400);
        assert!(text.contains("action=\"/confirmation\""), "{text}");
    }
    let text = page(nobody.post_form("/api/auth/request_email", "email=ann%40example.com"), 202);
    assert_eq!(
        text,
        page(nobody.post_form("/api/auth/request_email", "email=x%40example.com"), 202)
    );
}

#[test]
fn a_new_password_is_set_by_form_and_a_weak_one_told_at_its_field() {
    let world = World::new();
    let ann = world.user("ann");
    let nobody = world.nobody();
    let token = reset_token(&world);
    let path = format!("/api/auth/reset-password/{token}");
    assert!(page(nobody.get(&path), 200).contains("autocomplete=\"new-password\""));
    let post = |form: &str| nobody.post_form("/api/auth/reset-password", form);
    for weak in ["", "new_password=short", "new_password=password123", "new_password="] {
        let text = page(post(&format!("token={token}&{weak}")), 422);
        assert!(
            text.contains("id=\"new_password-fault\"") && text.contains(&token),
            "{weak}: {text}"
        );
        assert!(!text.contains("password123"), "the password came back");
    }
    page(post(&format!("token={token}&new_password=new+password+1")), 200);
    ann.log_in("new password 1").expect(200);
    for dead in [nobody.get(&path), post(&format!("token={token}&new_password=new+password+2"))] {
        let text = page(dead, 400);
        assert!(text.contains("action=\"/forgot\""), "{text}");
    }
    let text =
        page(nobody.post_form("/api/auth/request-password-reset", "email=ann%40example.com"), 202);
    let other = nobody.post_form("/api/auth/request-password-reset", "email=x%40example.com");
    assert_eq!(text, page(other, 202));
}

#[test]
fn a_browser_gets_a_page_for_every_error_too() {
    let world = World::with(|config| {
        config.rates.mail = Some(contactd::config::Rate { count: 6, seconds: 60 });
    });
    let nobody = world.nobody();
    let paths = ["confirm-email", "reset-password", "request_email", "request-password-reset"];
    for path in paths.map(|path| format!("/api/auth/{path}")) {
        page(nobody.post_form(&path, "a=%zz"), 400);
        page(nobody.post_form(&path, ""), 422);
        page(nobody.post_form(&path, &"x".repeat(17_000)), 413);
    }
    let answer = nobody.post_form("/api/auth/request_email", "email=a%40b.co");
    assert!(!answer.header("Retry-After").is_empty());
    page(answer, 429);
    // Without a form it is a problem document.
    let answer = nobody.post("/api/auth/request_email", json!({})).expect(429);
    assert_eq!(answer.header("Content-Type"), "application/problem+json");
    // Login is called by programs, forms or not.
    let answer = nobody.post_form("/api/auth/login", "username=x").expect(422);
    assert_eq!(answer.header("Content-Type"), "application/problem+json");
}

#[test]
fn what_comes_from_outside_is_escaped() {
    let world = World::new();
    let nobody = world.nobody();
    let evil = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for text in [
        nobody.get(&format!("/api/auth/confirmed_email/{evil}")).text(),
        nobody.get(&format!("/api/auth/reset-password/{evil}")).text(),
        nobody.post_form("/api/auth/confirm-email", &format!("token={evil}")).text(),
        nobody
            .post_form("/api/auth/reset-password", &format!("token={evil}&new_password=x"))
            .text(),
        nobody.post_form("/api/auth/reset-password", &format!("token={evil}")).text(),
        nobody.post_form("/api/auth/confirm-email", &format!("{evil}={evil}")).text(),
    ] {
        assert!(
            text.contains("<html")
                && !text.contains("<script>")
                && !text.contains("\"><script>alert"),
            "{text}"
        );
    }
}

#[test]
fn the_style_sheet_is_there() {
    let world = World::new();
    let landing = world.nobody().get("/").expect(200);
    assert!(landing.text().contains("href=\"/style.css\""));
    let style = world.nobody().get("/style.css").expect(200);
    assert_eq!(style.header("Content-Type"), "text/css; charset=utf-8");
}
