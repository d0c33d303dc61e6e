//! The mail server, or the folder for mails, does not do as it should. A mail comes at least once,
//! always with the same Message-ID and link, and no request waits for it.

use crate::ledger::CALM;
use crate::redis::JSON;
use crate::server::{Server, database_url};
use crate::smtp::{Behaviour, Offer, Sink};
use crate::world::{Mail, unique_name};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json as object;
use std::time::{Duration, Instant};

struct Stage {
    server: Server,
    client: postgres::Client,
    slowest: Duration,
}

fn stage(more: &[(&str, &str)]) -> Stage {
    let name = unique_name();
    let mut client = postgres::Client::connect(&database_url(&name), postgres::NoTls).unwrap();
    client.batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
    let mut settings = CALM.to_vec();
    settings.push(("REDIS_URL", ""));
    settings.extend(more);
    Stage { server: Server::in_schema(&name, &settings), client, slowest: Duration::ZERO }
}

impl Stage {
    fn register(&mut self, name: &str) {
        let began = Instant::now();
        let email = format!("{name}@example.com");
        let body = object!({"username": name, "email": email, "password": "correct horse battery"});
        let body = body.to_string();
        let (status, report) = self.server.ask("POST", "/api/auth/register", JSON, &body).unwrap();
        assert_eq!(status, 201, "{report}");
        self.slowest = self.slowest.max(began.elapsed());
    }

    fn one(&mut self, sql: &str) -> i64 {
        self.client.query_one(sql, &[]).unwrap().get(0)
    }

    /// Waits until every mail was tried and failed.
    fn until_failed(&mut self) {
        let sql = "SELECT count(*) FROM outbox WHERE done_at IS NULL AND last_error IS NULL";
        let end = Instant::now() + Duration::from_secs(30);
        while self.one(sql) > 0 {
            assert!(Instant::now() < end, "a mail was never tried: {}", self.server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The minutes until the next try, gone by; waits until every mail is out.
    fn until_sent(&mut self) {
        let soon = "UPDATE outbox SET next_attempt_at = now() WHERE done_at IS NULL";
        self.client.batch_execute(soon).unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        while self.one("SELECT count(*) FROM outbox WHERE done_at IS NULL") > 0 {
            assert!(Instant::now() < end, "a mail stays: {}", self.server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(self.one("SELECT count(*) FROM outbox WHERE token IS NOT NULL"), 0);
    }

    fn confirm(&self, token: &str) {
        let body = object!({ "token": token }).to_string();
        assert_eq!(self.server.ask("POST", "/api/auth/confirm-email", JSON, &body).unwrap().0, 200);
    }

    fn print(&self, fault: &str, report: &str) {
        assert!(self.slowest < Duration::from_secs(5), "{:?}", self.slowest);
        let slowest = self.slowest.as_secs_f64();
        println!("FAULT | {fault} | {report}; slowest registration {slowest:.2} s");
    }
}

#[test]
fn a_mail_server_that_refuses_drops_or_is_slow_gets_every_mail_in_the_end() {
    let sink = Sink::start();
    let url = sink.url();
    let mut stage = stage(&[("SMTP_URL", &url)]);
    let faults = [
        ("451", Behaviour::RefuseRecipient(451)),
        ("550", Behaviour::RefuseRecipient(550)),
        ("452-after-data", Behaviour::RefuseMail(452)),
        ("554-after-data", Behaviour::RefuseMail(554)),
        ("hang-up", Behaviour::HangUp),
        ("drop-at-data", Behaviour::DropAtData),
        ("drop-after-data", Behaviour::DropAfterData),
    ];
    for (name, behaviour) in &faults {
        sink.behave(behaviour.clone());
        stage.register(name);
        stage.until_failed();
    }
    sink.behave(Behaviour::Slow(Duration::from_millis(700)));
    stage.register("slow");
    sink.behave(Behaviour::Accept);
    stage.until_sent();
    let mails = sink.mails();
    for name in faults.iter().map(|(name, _)| *name).chain(["slow"]) {
        let to = format!("{name}@example.com");
        let mine: Vec<_> = mails.iter().filter(|mail| mail.to == [to.as_str()]).collect();
        assert_eq!(mine.len(), 1 + usize::from(name == "drop-after-data"), "{name}");
        for mail in &mine {
            assert_eq!(mail.header("Message-ID"), mine[0].header("Message-ID"));
            assert_eq!(mail.link(), mine[0].link());
        }
        stage.confirm(&mine[0].token().unwrap());
    }
    let report = "8 registrations, 9 mails: the one dropped after DATA came twice under one Message-ID; every link works";
    stage.print("SMTP refuses (451, 550, 452, 554), hangs up, drops, is slow", report);
}

#[test]
fn a_mail_that_is_going_out_is_waited_for_at_the_end() {
    let sink = Sink::start();
    let url = sink.url();
    let mut stage = stage(&[("SMTP_URL", &url)]);
    sink.behave(Behaviour::Slow(Duration::from_millis(150)));
    stage.register("ann");
    let begun = (0..2_000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        sink.connections() > 0
    });
    assert!(begun, "{}", stage.server.log());
    assert_eq!(stage.server.stop(), Some(0), "{}", stage.server.log());
    let sent = "SELECT count(*) FROM outbox WHERE done_at IS NOT NULL";
    assert_eq!((sink.mails().len(), stage.one(sent)), (1, 1), "{}", stage.server.log());
}

#[test]
fn a_mail_server_that_is_down_gets_every_mail_when_it_is_back() {
    let sink = Sink::start();
    let (url, address) = (sink.url(), sink.address());
    drop(sink);
    let mut stage = stage(&[("SMTP_URL", &url)]);
    for n in 0..5 {
        stage.register(&format!("user{n}"));
    }
    stage.until_failed();
    let (status, _) = stage.server.ask("GET", "/readyz", "", "").unwrap();
    assert_eq!(status, 200, "mails that wait keep no request away");
    let sink = Sink::at(address, Offer::Plain);
    stage.until_sent();
    let mails = sink.mails();
    assert_eq!(mails.len(), 5);
    mails.iter().for_each(|mail| stage.confirm(&mail.token().unwrap()));
    stage.print("SMTP down", "5 registrations, 5 mails when it was back, 0 lost");
}

/// The disk is full: no file may grow past 300 bytes, which `write` refuses in the middle of a
/// mail as it does on a full disk (EFBIG for ENOSPC). Root is no exception to this limit.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_loses_no_mail_and_leaves_no_half_one() {
    let mut stage = stage(&[]);
    let server = Pid::from_raw(stage.server.pid());
    let limit = |current| prlimit(server, Resource::Fsize, Rlimit { current, maximum: None });
    let files = |stage: &Stage| -> Vec<_> {
        let files = std::fs::read_dir(&stage.server.mail_dir).unwrap();
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    };
    limit(Some(300)).unwrap();
    for n in 0..3 {
        stage.register(&format!("user{n}"));
    }
    stage.until_failed();
    let error = "SELECT count(*) FROM outbox WHERE last_error LIKE '%too large%'";
    assert_eq!(stage.one(error), 3, "it failed for another reason");
    assert!(files(&stage).is_empty(), "half a mail");
    limit(None).unwrap();
    stage.until_sent();
    let mails = files(&stage);
    assert_eq!(mails.len(), 3);
    mails.into_iter().for_each(|mail| stage.confirm(&Mail(mail).token().unwrap()));
    stage.print(
        "disk full for mail files",
        "3 registrations, 3 whole mails when there was room, none half",
    );
}
