//! Shows what is read of vCard files: `cargo run -p vcard --example show FILE…`.
fn main() {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        println!("=== {path}");
        for read in vcard::read_cards(&bytes, None) {
            println!("--- line {}", read.line);
            match read.card {
                Ok(card) => println!("{}{:#?}", card.text(), card.details()),
                Err(why) => println!("FAULT {why}"),
            }
            for warning in read.warnings {
                println!("WARNING {}: {}", warning.line, warning.detail);
            }
        }
    }
}
