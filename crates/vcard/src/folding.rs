//! Long lines: folded when they are written, unfolded when they are read.

use std::borrow::Cow;

/// Text without line ends and the one blank after each.
pub fn unfold(text: &str) -> Cow<'_, str> {
    if !text.contains('\n') {
        return Cow::Borrowed(text);
    }
    let mut pieces = text.split('\n');
    let mut out = String::with_capacity(text.len());
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        if out.ends_with('\r') {
            out.pop();
        }
        out.push_str(piece.strip_prefix([' ', '\t']).unwrap_or(piece));
    }
    Cow::Owned(out)
}

/// Appends a line folded to 75 octets, its end not counted, never inside a character (RFC 2426,
/// section 2.6; RFC 5545, section 3.1).
pub fn fold(out: &mut String, line: &str) {
    const OCTETS: usize = 75;
    let mut rest = line;
    let mut room = OCTETS;
    while rest.len() > room {
        let end = (0..=room).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(room);
        let Some((head, tail)) = rest.split_at_checked(end) else { break };
        out.push_str(head);
        out.push_str("\r\n ");
        (rest, room) = (tail, OCTETS - 1);
    }
    out.push_str(rest);
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_counts_octets_and_keeps_characters_whole() {
        let text = format!("NOTE:{}", "Їa".repeat(200));
        let mut out = String::new();
        fold(&mut out, &text);
        assert!(out.ends_with("\r\n") && out.split("\r\n").all(|line| line.len() <= 75));
        assert_eq!(out.replace("\r\n ", ""), text.clone() + "\r\n");
        let mut out = String::new();
        fold(&mut out, &"x".repeat(75));
        assert_eq!(out.len(), 77);
    }
}
