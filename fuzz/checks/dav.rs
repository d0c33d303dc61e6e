//! What holds for any body as XML of WebDAV: it ends in a tree within the limits or in an error, what was
//! read can be written and read again, and what a report may want is read of any element. For libFuzzer
//! (`fuzz_targets/dav.rs`), and for a test that sees that this builds (`tests/dav/bodies.rs`).

use contactd::handlers::dav::address_data::AddressData;
use contactd::handlers::dav::escape::escaped;
use contactd::handlers::dav::filter::Filter;
use contactd::handlers::dav::properties::Wanted;
use contactd::handlers::dav::xml::{self, Element};

const CARD: &str = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\nitem1.TEL;TYPE=home:1\r\nEND:VCARD\r\n";

/// Elements in it, itself included, and how deep they lie.
fn measure(element: &Element) -> (usize, usize) {
    let inside = element.children.iter().map(measure);
    inside.fold((1, 1), |(count, depth), (more, deeper)| (count + more, depth.max(deeper + 1)))
}

fn write(out: &mut String, element: &Element) {
    // What an attribute's normalising makes of these is a space.
    let value = |text: &str| escaped(text).replace('\n', "&#10;").replace('\t', "&#9;");
    out.push_str(&format!("<{} xmlns=\"{}\"", element.name, value(&element.ns)));
    for (name, text) in &element.attributes {
        out.push_str(&format!(" {name}=\"{}\"", value(text)));
    }
    out.push('>');
    out.push_str(&escaped(&element.text));
    element.children.iter().for_each(|child| write(out, child));
    out.push_str(&format!("</{}>", element.name));
}

/// Reads one body and fails where something does not hold.
pub fn check(bytes: &[u8]) {
    let Ok(root) = xml::read(bytes) else { return };
    let (count, depth) = measure(&root);
    assert!(depth <= 64 && count <= 1_000 + bytes.len() / 16);
    let mut out = String::new();
    write(&mut out, &root);
    // Written so it has one namespace declaration an element, and perhaps more elements a byte.
    if count < 900 {
        assert_eq!(xml::read(out.as_bytes()).expect("what was written"), root, "{out}");
    }
    read_as_report(&root);
}

/// Each element as each of the parts that a report has.
fn read_as_report(element: &Element) {
    let _ = Wanted::read(element);
    if let Ok(filter) = Filter::read(Some(element)) {
        filter.matches(CARD);
    }
    if let Ok(data) = AddressData::read(element) {
        let part = data.of(CARD);
        assert!(part.starts_with("BEGIN:VCARD\r\n") && part.ends_with("END:VCARD\r\n"));
    }
    element.children.iter().for_each(read_as_report);
}
