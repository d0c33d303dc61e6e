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
    assert_eq!(counted(&format!("{read},status=\"5xx\"")), None, "what never was has no line");
    assert!(!page.contains("/api/contacts/birthdays"), "what never was has no line");
    let duration = "contactd_request_duration_seconds";
    assert_eq!(value(&page, &format!("{duration}_bucket{{{read},le=\"+Inf\"}}")), Some(3.0));
    assert_eq!(value(&page, &format!("{duration}_count{{{read}}}")), Some(3.0));
    assert!(value(&page, &format!("{duration}_sum{{{read}}}")).unwrap() > 0.0);
    assert_eq!(value(&page, "contactd_postgres_up"), Some(1.0));
    assert_eq!(value(&page, "contactd_mail_queue"), Some(0.0));
    assert_eq!(value(&page, "contactd_db_connections_max"), Some(4.0));
    assert_eq!(value(&page, "contactd_draining"), Some(0.0));
    let noon = world.now().timestamp() as f64;
    assert_eq!(value(&page, "process_start_time_seconds"), Some(noon));
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let ends = ["_bucket", "_sum", "_count"];
        let family = ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(page.contains(&format!("# TYPE {family} ")), "{line}");
    }
    for secret in ["secretive", "ebedee", "999999", "BREW", "example.com"] {
        assert!(!page.contains(secret), "{secret}");
    }
}

#[test]
fn how_long_requests_took_is_told_in_buckets_and_together() {
    let world = World::new();
    for (milliseconds, status) in [(1, 200), (2, 302), (1_500, 404), (60_000, 503)] {
        let took = std::time::Duration::from_millis(milliseconds);
        world.app.counters.of(None).count(status, took);
    }
    let page = metrics::render(&world.app);
    let labels = "route=\"-\",method=\"-\"";
    let duration = "contactd_request_duration_seconds";
    for (end, count) in [("0.001", 1.0), ("0.005", 2.0), ("0.5", 2.0), ("2.5", 3.0), ("+Inf", 4.0)]
    {
        let bucket = format!("{duration}_bucket{{{labels},le=\"{end}\"}}");
        assert_eq!(value(&page, &bucket), Some(count), "{page}");
    }
    assert_eq!(value(&page, &format!("{duration}_sum{{{labels}}}")), Some(61.503));
    for class in ["2xx", "3xx", "4xx", "5xx"] {
        let line = format!("contactd_requests_total{{{labels},status=\"{class}\"}}");
        assert_eq!(value(&page, &line), Some(1.0), "{page}");
    }
}

#[test]
fn connections_are_told_apart_by_whether_they_are_busy() {
    let world = World::new();
    let db = &world.app.db;
    let page = db.read(|_| db.read(|_| Ok(metrics::render(&world.app)))).unwrap();
    assert_eq!(value(&page, "contactd_db_connections{state=\"busy\"}"), Some(2.0), "{page}");
    let page = metrics::render(&world.app);
    assert_eq!(value(&page, "contactd_db_connections{state=\"busy\"}"), Some(0.0), "{page}");
    assert!(value(&page, "contactd_db_connections{state=\"idle\"}").unwrap() >= 2.0, "{page}");
}

#[test]
fn while_it_ends_load_balancers_and_operators_are_told() {
    let world = World::new();
    let nobody = world.nobody();
    nobody.get("/readyz").expect(200);
    world.app.drain();
    nobody.get("/readyz").expect(503);
    nobody.get("/healthz").expect(200);
    assert_eq!(value(&metrics::render(&world.app), "contactd_draining"), Some(1.0));
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
