//! What an operator sees of phones: requests by verb and by kind of program, in `/metrics` and in the log.

use super::app_password;
use crate::redis::sign_in;
use crate::redis_server::{RedisServer, free_port};
use crate::server::{Server, exchange};

/// What programs call themselves, and what they are called here.
const AGENTS: [(&str, &str); 9] = [
    ("iOS/18.1 (22B83) dataaccessd/1.0", "ios"),
    ("macOS/15.1 (24B83) AddressBookCore/2679.200.8", "macos"),
    ("DAVx5/4.4.4-ose (dav4jvm; okhttp/4.12.0) Android/14", "davx5"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0", "thunderbird"),
    ("Evolution/3.46.4", "evolution"),
    ("vdirsyncer/0.19.3", "vdirsyncer"),
    ("CalDavSynchronizer/4.4", "outlook"),
    ("FRITZ!Box CardDAV", "fritzbox"),
    ("curl/8.5.0 Ann-Smith", "other"),
];

#[test]
fn an_operator_sees_what_kinds_of_programs_ask_for_what() {
    let redis = RedisServer::start(); // two schemas must not share one
    let (url, metrics) = (redis.url(), format!("127.0.0.1:{}", free_port(730)));
    let server = Server::with(&[("REDIS_URL", &url), ("METRICS_ADDR", &metrics)]);
    let (basic, book) = app_password(&server, &sign_in(&server, "ann"));
    for (agent, _) in AGENTS {
        let headers = format!("{basic}User-Agent: {agent}\r\nDepth: 0\r\n");
        assert_eq!(server.ask("PROPFIND", &book, &headers, "").unwrap().0, 207, "{agent}");
        assert_eq!(server.ask("OPTIONS", &book, &headers, "").unwrap().0, 200, "{agent}");
    }
    let page = exchange(&metrics, "GET", "/metrics", "", "").unwrap();
    let verbs = page.lines().filter(|line| line.contains("route=\"/dav/{path*}\",method="));
    let verbs: Vec<&str> =
        verbs.filter(|line| line.starts_with("contactd_requests_total")).collect();
    for (verb, count) in [("PROPFIND", AGENTS.len()), ("OPTIONS", AGENTS.len())] {
        let line = format!("method=\"{verb}\",status=\"2xx\"}} {count}");
        assert!(verbs.iter().any(|it| it.ends_with(&line)), "{verbs:?}");
    }
    for (agent, kind) in AGENTS {
        let line = format!("contactd_dav_requests_total{{client=\"{kind}\"}} 2");
        assert!(page.lines().any(|it| it == line), "{agent}: {line} is not in {page}");
        let log = server.log_with(&format!(" client={kind}\n"));
        let mut lines = log.lines().filter(|line| line.contains("PROPFIND /dav/"));
        assert!(lines.any(|line| line.ends_with(&format!(" client={kind}"))), "{agent}: {log}");
    }
    // What a program calls itself beyond its kind is in neither.
    assert!(!page.contains("Ann-Smith") && !server.log().contains("Ann-Smith"));
    // Others are no phones.
    let others = server.log();
    assert!(others.lines().all(|line| !line.contains(" /api/") || !line.contains("client=")));
}
