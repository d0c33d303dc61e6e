//! Cards of given lines, and their lines again.

use vcard::Card;

/// A card of these lines.
pub fn card(lines: &[&str]) -> Card {
    let body = lines.join("\r\n");
    Card::stored(&format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u1\r\n{body}\r\nEND:VCARD\r\n"))
}

/// The lines of a card that do not depend on the test.
pub fn body(card: &Card) -> Vec<String> {
    let text = card.text();
    let ours = ["BEGIN:VCARD", "VERSION:3.0", "UID:u1", "END:VCARD", ""];
    text.split("\r\n").filter(|line| !ours.contains(line)).map(str::to_owned).collect()
}
