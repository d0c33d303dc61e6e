//! Results: kept in a file for each part, shown as one table and one chart.

use crate::load::Measured;
use crate::{Line, SCENARIOS, folder};
use std::fmt::Write;

/// What a number is divided by.
pub const REFERENCE: &str = "reference";

pub(crate) fn print(part: &str, line: &Line) {
    let Line { server, connections, measured: m } = line;
    let ([own, postgres, redis], [a, b, c]) = (m.cpu, m.switches);
    println!(
        "{part:<7} c={connections:<4} {server:<26} {:>9.0}/s  p50 {:>7.2} ms  p99 {:>7.2} ms  errors {}  \
         {:>5.1} MiB  CPU us {own:>6.1} {postgres:>6.1} {redis:>5.1}  switches {a:.2} {b:.2} {c:.2}",
        m.rate, m.p50, m.p99, m.errors, m.memory,
    );
}

pub(crate) fn save(part: &str, lines: &[Line]) {
    let mut text = String::new();
    for line in lines {
        let numbers = line.measured.numbers().map(|number| number.to_string()).join("\t");
        writeln!(text, "{}\t{}\t{numbers}", line.server, line.connections).unwrap();
    }
    std::fs::write(folder().join(format!("{part}.tsv")), text).unwrap();
}

pub(crate) fn load(part: &str) -> Vec<Line> {
    let text = std::fs::read_to_string(folder().join(format!("{part}.tsv"))).unwrap_or_default();
    let line = |line: &str| {
        let words: Vec<&str> = line.split('\t').collect();
        let numbers = std::array::from_fn(|index| words[index + 2].parse().unwrap());
        Line {
            server: words[0].to_owned(),
            connections: words[1].parse().unwrap(),
            measured: Measured::from_numbers(numbers),
        }
    };
    text.lines().map(line).collect()
}

/// The table and the chart of all parts that were measured, ever.
pub fn write() {
    let mut table = String::from(
        "| | c | | requests/s | p50 ms | p99 ms | errors | memory MiB | CPU µs a request: server, Postgres, Redis \
         | switches a request, likewise | rate to the reference | p99 to the reference | rate to the limit |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for scenario in SCENARIOS {
        let lines = load(scenario.name);
        let limit = lines.last();
        for line in &lines {
            let m = line.measured;
            let peer = lines
                .iter()
                .find(|it| it.server == REFERENCE && it.connections == line.connections)
                .filter(|_| line.server == "contactd");
            let limit = limit.filter(|it| it.server != line.server);
            let ratio =
                |of: f64, to: Option<f64>| to.map_or(String::new(), |to| format!("{:.2}", of / to));
            let ([own, postgres, redis], [a, b, c]) = (m.cpu, m.switches);
            let (cpu, switches) = match limit {
                Some(_) => (
                    format!("{own:.0}, {postgres:.0}, {redis:.1}"),
                    format!("{a:.2}, {b:.2}, {c:.2}"),
                ),
                None => (format!("–, {postgres:.0}, {redis:.1}"), format!("–, {b:.2}, {c:.2}")),
            };
            writeln!(
                table,
                "| {} | {} | {} | {:.0} | {:.2} | {:.2} | {} | {:.1} | {cpu} | {switches} | {} | {} | {} |",
                scenario.name,
                line.connections,
                line.server,
                m.rate,
                m.p50,
                m.p99,
                m.errors,
                m.memory,
                ratio(m.rate, peer.map(|it| it.measured.rate)),
                ratio(m.p99, peer.map(|it| it.measured.p99)),
                ratio(m.rate, limit.map(|it| it.measured.rate)),
            )
            .unwrap();
        }
    }
    for line in load("start") {
        let (p50, most) = (line.measured.p50, line.measured.p99);
        writeln!(table, "\nStart to first answer, schema in place: {p50:.0} ms (median of 7), {most:.0} ms at most.").unwrap();
    }
    writeln!(table, "\nHow that stands to the goals:\n\n{}", crate::goals::table()).unwrap();
    std::fs::write(folder().join("table.md"), &table).unwrap();
    std::fs::write(folder().join("performance.svg"), chart()).unwrap();
    println!("\n{table}");
}

/// For each scenario a bar for each server, at 64 connections or what comes closest, as long as its
/// share of the longest.
fn chart() -> String {
    const LEFT: u32 = 90;
    const WIDTH: f64 = 430.0;
    let mut bars = String::new();
    let mut y = 50;
    for scenario in SCENARIOS {
        let lines = load(scenario.name);
        let shown: Vec<_> = lines
            .iter()
            .filter(|line| {
                line.connections == 64 || lines.len() < 6 || line.server == scenario.limit
            })
            .collect();
        let most = shown.iter().map(|line| line.measured.rate).fold(1.0, f64::max);
        if let Some(line) = shown.first() {
            let c = line.connections;
            writeln!(
                bars,
                r#"<text x="8" y="{}"><tspan font-weight="bold">{}</tspan> c={c}</text>"#,
                y + 14,
                scenario.name
            )
            .unwrap();
        }
        for line in shown {
            let colour = match line.server.as_str() {
                "contactd" => "#1f6feb",
                REFERENCE => "#d29922",
                _ => "#8c959f",
            };
            let width = WIDTH * line.measured.rate / most;
            let p99 = if line.measured.p99 > 0.0 {
                format!(", p99 {:.1} ms", line.measured.p99)
            } else {
                String::new()
            };
            writeln!(
                bars,
                r#"<rect x="{LEFT}" y="{y}" width="{width:.0}" height="16" fill="{colour}"/><text x="{:.0}" y="{}">{:.0}/s {}{p99}</text>"#,
                f64::from(LEFT) + width + 6.0, y + 13, line.measured.rate, line.server,
            )
            .unwrap();
            y += 20;
        }
        y += 14;
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="820" height="{y}" font-family="sans-serif" font-size="12">
<rect width="820" height="{y}" fill="#ffffff"/>
<text x="8" y="24" font-size="16">Requests a second; longer is better</text>
{bars}</svg>
"##
    )
}
