//! `/metrics`, as Prometheus reads it.

use crate::world::World;
use contactd::metrics;
use rouille::Request;
use serde_json::json;

/// The value of a line.
fn value(page: &str, line: &str) -> Option<f64> {
    let found = page.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(' '));
    found.and_then(|value| value.parse().ok())
}

#[test]
fn requests_are_counted_by_route_and_nothing_of_a_user_is_told() {
    let world = World::new();
    let ann = world.user("ann-the-secretive");
    let created = ann.post("/api/contacts", json!({"first_name": "Zebedee"})).expect(201);
    let path = created.header("Location").to_owned();
    ann.get(&path).expect(200);
    ann.send("HEAD", &path, &[], b"").expect(200);
    ann.get("/api/contacts/999999").expect(404);
    ann.get("/api/zebedee").expect(404);
    ann.send("BREW", "/api/contacts", &[], b"").expect(405);

    let page = metrics::render(&world.app);
    let read = "route=\"/api/contacts/{id}\",method=\"GET\"";
    let counted = |labels: &str| value(&page, &format!("contactd_requests_total{{{labels}}}"));
    assert_eq!(counted(&format!("{read},status=\"2xx\"")), Some(2.0), "{page}");
    assert_eq!(counted(&format!("{read},status=\"4xx\"")), Some(1.0));
    assert_eq!(counted("route=\"-\",method=\"-\",status=\"4xx\""), Some(2.0));
    let duration = "contactd_request_duration_seconds";
    assert_eq!(value(&page, &format!("{duration}_bucket{{{read},le=\"+Inf\"}}")), Some(3.0));
    assert_eq!(value(&page, &format!("{duration}_count{{{read}}}")), Some(3.0));
    assert!(value(&page, &format!("{duration}_sum{{{read}}}")).unwrap() > 0.0);
    assert_eq!(value(&page, "contactd_postgres_up"), Some(1.0));
    assert_eq!(value(&page, "contactd_mail_queue"), Some(0.0));
    assert_eq!(value(&page, "contactd_db_connections_max"), Some(4.0));
    for secret in ["secretive", "ebedee", "999999", "BREW", "example.com"] {
        assert!(!page.contains(secret), "{secret}");
    }
}

#[test]
fn only_one_path_is_there() {
    let world = World::new();
    let ask = |method: &str, path: &str| {
        metrics::respond(&world.app, &Request::fake_http(method, path, vec![], vec![])).status_code
    };
    assert_eq!((ask("GET", "/metrics"), ask("HEAD", "/metrics")), (200, 200));
    assert_eq!((ask("GET", "/"), ask("POST", "/metrics")), (404, 404));
    // Not where everybody is.
    world.nobody().get("/metrics").expect(404);
}
