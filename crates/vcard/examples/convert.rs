//! Prints the cards of vCard files as they would be stored: `cargo run -p vcard --example convert FILE…`.
//! Faults and warnings go to standard error.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let (mut out, mut log) = (std::io::stdout().lock(), std::io::stderr().lock());
    for path in std::env::args().skip(1) {
        for read in vcard::read_cards(&std::fs::read(&path)?, None) {
            for warning in read.warnings {
                writeln!(log, "{path}:{}: {}", warning.line, warning.detail)?;
            }
            match read.card {
                Ok(mut card) => {
                    if card.uid().is_none() {
                        card.set_uid(&format!("{path}:{}", read.line));
                    }
                    write!(out, "{}", card.as_str())?;
                }
                Err(why) => writeln!(log, "{path}:{}: {why}", read.line)?,
            }
        }
    }
    Ok(())
}
