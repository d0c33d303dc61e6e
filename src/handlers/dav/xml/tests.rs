use super::*;

fn wrong(body: &str) -> bool {
    matches!(read(body.as_bytes()), Err(Error::Malformed(_)))
}

const PLAIN: &str =
    r#"<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><x a="1"/></D:prop></D:propfind>"#;

#[test]
fn however_it_is_written_it_is_the_same_tree() {
    let plain = read(PLAIN.as_bytes()).unwrap();
    for other in [
        "\u{FEFF}<?xml version='1.0' encoding='utf-8'?><a:propfind xmlns:a='DAV:'><a:prop>\
         <a:getetag></a:getetag><x a='1'/></a:prop></a:propfind>\n<!-- end -->",
        "<propfind xmlns='DAV:'><prop><getetag/><x xmlns='' a = '&#49;'></x></prop></propfind>",
        "<propfind xmlns='D&#65;V:'><prop><getetag xmlns:q='r' q:s='t'/><?pi?>\
         <x xmlns='' a='1'><!-- c --></x></prop></propfind>",
    ] {
        assert_eq!(read(other.as_bytes()).unwrap(), plain, "{other}");
    }
    let utf16: Vec<u8> =
        [0xFEFF].into_iter().chain(PLAIN.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(&utf16).unwrap(), plain);
    assert!(read(utf16.split_last().unwrap().1).is_err());
}

#[test]
fn text_comes_from_all_its_parts() {
    let root = read("<a>x &lt;<![CDATA[&y]]> z&#x1F600;\r\n</a>".as_bytes()).unwrap();
    assert_eq!(root.text, "x <&y z😀\n");
}

#[test]
fn a_prefix_counts_where_it_was_declared_and_nowhere_else() {
    let root = read(b"<a xmlns:p='1'><p:b xmlns:p='2'><p:c/></p:b><p:d/></a>").unwrap();
    assert!(root.child("2", "b").unwrap().child("2", "c").is_some());
    assert!(root.child("1", "d").is_some());
    assert!(wrong("<a><b xmlns:p='1'/><p:c/></a>"));
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for body in [
        "",
        " ",
        "x",
        "<a>",
        "</a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>x",
        "<p:a/>",
        "<a b='1' b='2'/>",
        "<a b=1/>",
        "<a b/>",
        "<a>&nbsp;</a>",
        "<a>&#0;</a>",
        "<a>&#1;</a>",
        "<a>\u{1}</a>",
        "<a>\u{FFFF}</a>",
        "<1/>",
        "<a xmlns:p=''/>",
        "<a b='<'/>",
        "<a>&</a>",
        "<a:b:c xmlns:a='1'/>",
        "<!-- -- --><a/>",
    ] {
        assert!(wrong(body), "{body}");
    }
    assert!(read(b"<a>\xFF</a>").is_err());
}

#[test]
fn a_dtd_is_refused_whatever_is_in_it() {
    for dtd in ["", "[<!ENTITY x SYSTEM 'file:///etc/passwd'>]", "SYSTEM 'http://x/'"] {
        let answer = read(format!("<!DOCTYPE a {dtd}><a>&x;</a>").as_bytes());
        assert!(matches!(answer, Err(Error::Dav(DavFault::NoExternalEntities))), "{dtd}");
    }
}

#[test]
fn size_and_depth_are_limited() {
    let nested = |depth| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(read(nested(64).as_bytes()).is_ok());
    assert!(wrong(&nested(65)));
    assert!(wrong(&nested(1_000_000)));
    assert!(wrong(&format!("<a>{}</a>", "<b/>".repeat(2_000))));
    let hrefs = "<D:href>/dav/addressbooks/1/contacts/1.vcf</D:href>".repeat(100_000);
    let body = format!(
        "<C:addressbook-multiget xmlns:C='{CARDDAV}' xmlns:D='DAV:'>{hrefs}</C:addressbook-multiget>"
    );
    assert_eq!(read(body.as_bytes()).unwrap().children.len(), 100_000);
    let attributes: String = (0..100_000).map(|i| format!(" a{i}='1'")).collect();
    assert!(wrong(&format!("<a{attributes}/>")));
    let namespaces: String = (0..30).map(|i| format!(" xmlns:a{i}='1'")).collect();
    assert!(wrong(&format!("<a{namespaces}>").repeat(5)));
    let named =
        |ns: usize, name: usize| format!("<{} xmlns='{}'/>", "a".repeat(name), "n".repeat(ns));
    assert!(read(named(256, 256).as_bytes()).is_ok());
    assert!(wrong(&named(257, 1)) && wrong(&named(1, 257)));
}

#[test]
fn what_is_escaped_comes_back() {
    let text = "a & b < c > d \" e ' f\r\n\tü 😀";
    let body = format!("<a b=\"{}\">{}</a>", escaped("& \" <"), escaped(text));
    let root = read(body.as_bytes()).unwrap();
    assert_eq!((root.text.as_str(), root.attribute("b")), (text, Some("& \" <")));
    assert_eq!(escaped("a\u{0}\u{B}\u{FFFE}b"), "ab");
}
