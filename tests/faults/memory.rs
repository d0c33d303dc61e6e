//! What many password hashes leave in memory.

use crate::server::Server;
use serde_json::json;

/// Resident memory of the server, in KiB.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn password_hashes_give_their_memory_back() {
    let server = Server::with(&[("RATE_LIMIT_LOGIN", "off"), ("RATE_LIMIT_LOGIN_FAILURES", "off")]);
    let body = json!({"username": "nobody", "password": "wrong password"}).to_string();
    for _ in 0..4 {
        std::thread::scope(|scope| {
            for _ in 0..20 {
                let json = "Content-Type: application/json\r\n";
                let ask = || server.ask("POST", "/api/auth/login", json, &body).unwrap().0;
                scope.spawn(move || assert!(matches!(ask(), 401 | 503)));
            }
        });
    }
    let resident = resident(&server);
    assert!(resident < 150 * 1024, "{resident} KiB after 80 logins");
}
