//! Pictures on a page: the drawings beside its words, people, codes.

use maud::{Markup, PreEscaped, html};

/// A drawing of 24 × 24, in strokes of the colour of the text.
pub fn icon(name: &str) -> Markup {
    let path = match name {
        "people" => {
            "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM2 21v-1a5 5 0 0 1 5-5h4a5 5 0 0 1 5 5v1M16 3.2a4 4 0 0 1 0 7.6M22 21v-1a5 5 0 0 0-4-4.9"
        }
        "cake" => {
            "M4 21h16M5 21v-7a2 2 0 0 1 2-2h10a2 2 0 0 1 2 2v7M5 17c2.3 1.3 4.7-1.3 7 0s4.7-1.3 7 0M12 12V8M12 4.5v-1"
        }
        "merge" => "M8 4v4a4 4 0 0 0 4 4h7M8 20v-4a4 4 0 0 1 4-4M15 8l4 4-4 4",
        "import" => "M12 3v12M7 10l5 5 5-5M4 20h16",
        "export" => "M12 15V3M7 8l5-5 5 5M4 20h16",
        "trash" => "M4 6h16M9 6V4h6v2M6 6l1 15h10l1-15M10 10v7M14 10v7",
        "history" => "M3.5 9a9 9 0 1 1-.4 4.5M3 4v5h5M12 7v5l3.5 2",
        "settings" => "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
        "phone" => "M8 2h8a1 1 0 0 1 1 1v18a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V3a1 1 0 0 1 1-1ZM11 18h2",
        "server" => "M4 4h16v7H4zM4 13h16v7H4zM8 7.5h.01M8 16.5h.01",
        "search" => "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM20 20l-4-4",
        "plus" => "M12 5v14M5 12h14",
        _ => "M5 12h14",
    };
    html! { svg class="i" viewBox="0 0 24 24" aria-hidden="true" { path d=(path) {} } }
}

/// A picture of somebody, or the first letters of the name.
pub fn face(id: i64, name: &str, photo: Option<&str>, class: &str) -> Markup {
    html! {
        @if let Some(photo) = photo {
            img class=(face_class("face", class)) src=(photo) alt="" loading="lazy";
        } @else {
            span class=(face_class(&format!("face c{}", id.rem_euclid(5)), class)) aria-hidden="true" { (initials(name)) }
        }
    }
}

fn face_class(first: &str, second: &str) -> String {
    format!("{first} {second}").trim_end().to_owned()
}

/// The first letters of the first and the last word that begin with a letter; of a name without such words the
/// first sign that is none of a keyboard.
pub fn initials(name: &str) -> String {
    // A sign before the letter, as in ʻAnela, is none.
    let is_sign = |c| ('\u{2b0}'..='\u{2ff}').contains(&c);
    let words = name.split_whitespace().map(|word| word.trim_start_matches(is_sign));
    let mut first = words.filter_map(|word| word.chars().next());
    let mut letters = first.by_ref().filter(|c| c.is_alphabetic());
    let (one, last) = (letters.next(), letters.last());
    let sign = || name.chars().find(|c| !c.is_ascii()).unwrap_or('#');
    let one = one.unwrap_or_else(sign);
    // No name begins with a Georgian capital, and few fonts have them.
    let large = |c: char| match c {
        '\u{10d0}'..='\u{10ff}' => c.to_string(),
        _ => c.to_uppercase().to_string(),
    };
    [one].into_iter().chain(last).map(large).collect()
}

/// An SVG that was drawn by this server.
pub fn drawing(svg: &str) -> Markup {
    PreEscaped(svg.to_owned())
}
