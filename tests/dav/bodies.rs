//! Bodies that are nearly XML: what `./dev fuzz` looks for by the hour, for a second or two. It also keeps
//! the fuzzer's part building.

#[path = "../../fuzz/checks/dav.rs"]
mod checks;

use support::dice::Dice;

const SEEDS: [&[u8]; 2] = [
    include_bytes!("../../fuzz/seeds/dav/propfind.xml"),
    include_bytes!("../../fuzz/seeds/dav/query.xml"),
];
/// What is put somewhere into a body.
const PARTS: [&[u8]; 12] = [
    b"<",
    b">",
    b"/>",
    b"\"",
    b"&#x0;",
    b"&lt;",
    b"<![CDATA[",
    b"]]>",
    b" xmlns:a='",
    b"<!--",
    b"\xFF",
    b"<C:filter test='anyof'>",
];

#[test]
fn a_body_that_is_nearly_xml_is_read_or_refused() {
    let (mut dice, mut read) = (Dice::new(20), 0);
    for _ in 0..20_000 {
        let mut body = SEEDS[dice.below(2)].to_vec();
        for _ in 0..dice.below(4) {
            let (at, part) = (dice.below(body.len()), PARTS[dice.below(PARTS.len())]);
            let gone = dice.below(body.len() - at).min(dice.below(40));
            body.splice(at..at + gone, part.iter().copied());
        }
        read += usize::from(contactd::handlers::dav::xml::read(&body).is_ok());
        checks::check(&body);
    }
    // Some are whole, else nothing past the first error was tried.
    assert!((2_000..18_000).contains(&read), "{read}");
}
