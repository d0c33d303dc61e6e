//! README's walk through the API, and what docs/api.md adds to it, run as they stand there, against the real
//! program on a real port.

#![cfg(test)]

use server::Server;
use std::process::Command;
use support::server;

const README: &str = include_str!("../README.md");
const API: &str = include_str!("../docs/api.md");

/// The shell code under a heading of a page.
fn shell_under(page: &str, heading: &str) -> String {
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let blocks = section.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_readme_s_walk_through_works_as_it_stands_there() {
    let server = Server::start();
    // An account of before, as from the pages: its mail is the last one by name, and the older one.
    let older = server.mail_dir.join("zzz@localhost.eml");
    std::fs::create_dir_all(&server.mail_dir).unwrap();
    std::fs::write(&older, "/api/auth/confirmed_email/older\r\n").unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(60);
    std::fs::File::options().append(true).open(&older).unwrap().set_modified(long_ago).unwrap();
    let parts = [
        (README, "A walk through the API"),
        (API, "A password of its own"),
        (API, "Changes that overwrite nothing"),
        (API, "When an answer is lost"),
        (API, "Follow the book"),
    ];
    let parts = parts.map(|(page, heading)| shell_under(page, heading));
    let script = format!("set -euo pipefail\n{}", parts.join("\n"));
    let output = Command::new("bash")
        .args(["-c", &script])
        .env("URL", &server.url)
        .env("MAIL", "/var/mail/somebody") // as a login sets it
        .env("MAILS", &server.mail_dir)
        .output()
        .expect("bash");
    let report = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}\n{errors}\n{}", server.log());
    assert!(report.contains(r#""username":"ann""#), "{report}");
    assert_eq!(
        report.matches(r#""last_name":"Müller""#).count(),
        6,
        "added, found, near, listed for a script, changed by it, followed: {report}"
    );
    assert!(report.contains(r#""job_title":"Captain""#), "{report}");
    assert!(report.contains("the same once more: 412"), "{report}");
    assert!(report.contains("the first time: 201\nthe second time: 409\n"), "{report}");
    assert!(
        report.contains(r#""labels":["ship"]"#) && report.contains(r#""more":false"#),
        "{report}"
    );
    assert!(report.contains(r#""turns":"#), "{report}");
    // Mails hold the secrets of links; the log of a server with MAIL_DIR has them, others never.
    assert!(!server.log().contains("correct horse"), "{}", server.log());
}
