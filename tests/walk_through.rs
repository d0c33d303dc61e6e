//! README's walk through the API, run as it stands there, against the real program on a real port.

#![cfg(test)]

use server::Server;
use std::process::Command;
use support::server;

/// The shell code under a heading of README.
fn shell_under(heading: &str) -> String {
    let readme = include_str!("../README.md");
    let section = readme.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
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
    let script = format!("set -euo pipefail\n{}", shell_under("A walk through the API"));
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
        3,
        "added, found, near: {report}"
    );
    assert!(report.contains(r#""turns":"#), "{report}");
    // Mails hold the secrets of links; the log of a server with MAIL_DIR has them, others never.
    assert!(!server.log().contains("correct horse"), "{}", server.log());
}
