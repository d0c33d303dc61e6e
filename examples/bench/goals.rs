//! The goals of issue 22, beside what was measured.

use crate::report::{self, REFERENCE};
use crate::{Line, SCENARIOS};
use std::fmt::Write;

/// What is wanted of a scenario; a number that is none: nothing.
struct Goal {
    scenario: &'static str,
    /// Connections at which it counts.
    connections: &'static [u32],
    /// Least rate, to the reference.
    rate: Option<f64>,
    /// Most of the reference's p99.
    p99: Option<f64>,
    /// Least rate, to the limit.
    limit: f64,
}

#[rustfmt::skip]
const GOALS: [Goal; 6] = [
    Goal { scenario: "me", connections: &[64, 256], rate: Some(0.85), p99: Some(1.3), limit: 0.5 },
    Goal { scenario: "page", connections: &[64], rate: Some(1.0), p99: Some(1.2), limit: 0.5 },
    Goal { scenario: "by-id", connections: &[64], rate: Some(1.0), p99: Some(1.2), limit: 0.5 },
    Goal { scenario: "search", connections: &[64], rate: None, p99: None, limit: 0.5 },
    Goal { scenario: "create", connections: &[64], rate: Some(0.55), p99: None, limit: 0.7 },
    Goal { scenario: "login", connections: &[4], rate: None, p99: None, limit: 0.95 },
];

/// Times as fast as FastAPI.
const TO_FASTAPI: f64 = 20.0;
/// What 256 connections may cost of the rate, and how many times their p99 may be.
const FALL: f64 = 0.9;
const P99_256: f64 = 4.5;
/// MiB, milliseconds.
const MEMORY: f64 = 60.0;
const START: f64 = 100.0;
/// Times the processor time that Postgres takes for a row of a bare table.
const TO_BARE: f64 = 2.0;

fn find<'a>(lines: &'a [Line], server: &str, connections: u32) -> Option<&'a Line> {
    lines.iter().find(|it| it.server == server && it.connections == connections)
}

/// A table: what, goal, measured, whether it is met. Parts that were not measured are left out.
pub fn table() -> String {
    let mut table = String::from("| | goal | measured | |\n|---|---|---|---|\n");
    let mut row = |what: String, sign: &str, goal: f64, measured: f64| {
        let met = if sign == "≥" { measured >= goal } else { measured <= goal };
        let word = if met { "met" } else { "missed" };
        writeln!(table, "| {what} | {sign} {goal} | {measured:.2} | {word} |").unwrap();
    };
    for goal in GOALS {
        let (name, lines) = (goal.scenario, report::load(goal.scenario));
        for &c in goal.connections {
            let Some(own) = find(&lines, "contactd", c).map(|it| it.measured) else { continue };
            if let Some(peer) = find(&lines, REFERENCE, c).map(|it| it.measured) {
                if let Some(least) = goal.rate {
                    row(
                        format!("{name}, c={c}: rate to the reference"),
                        "≥",
                        least,
                        own.rate / peer.rate,
                    );
                }
                if let Some(most) = goal.p99 {
                    row(
                        format!("{name}, c={c}: p99 to the reference"),
                        "≤",
                        most,
                        own.p99 / peer.p99,
                    );
                }
            }
            if let Some(limit) = lines.last() {
                let what = format!("{name}, c={c}: rate to {}", limit.server);
                row(what, "≥", goal.limit, own.rate / limit.measured.rate);
            }
            if let Some(fastapi) = find(&lines, "fastapi", c) {
                let times = own.rate / fastapi.measured.rate;
                row(format!("{name}, c={c}: times FastAPI"), "≥", TO_FASTAPI, times);
            }
        }
        let both = (find(&lines, "contactd", 64), find(&lines, "contactd", 256));
        if let (Some(few), Some(many)) = both {
            let (few, many) = (few.measured, many.measured);
            row(format!("{name}: rate at c=256 to c=64"), "≥", FALL, many.rate / few.rate);
            row(format!("{name}: p99 at c=256 to c=64"), "≤", P99_256, many.p99 / few.p99);
        }
    }
    let create = report::load("create");
    let postgres =
        |server: &str| create.iter().find(|it| it.server == server).map(|it| it.measured.cpu[1]);
    if let (Some(all), Some(bare)) = (create.last(), postgres(crate::limits::BARE)) {
        let times = all.measured.cpu[1] / bare;
        row("create: Postgres' CPU to a bare table's".to_owned(), "≤", TO_BARE, times);
    }
    let all = SCENARIOS.iter().filter(|it| it.name != "login").flat_map(|it| report::load(it.name));
    let memory = all.filter(|it| it.server == "contactd").map(|it| it.measured.memory);
    let memory = memory.fold(0.0, f64::max);
    row("memory after the load, MiB".to_owned(), "≤", MEMORY, memory);
    for line in report::load("start") {
        row("start, ms (median of 7)".to_owned(), "≤", START, line.measured.p50);
    }
    table
}
