//! `PROPPATCH`: a book has a name and a description that clients may change; all or nothing
//! (RFC 4918, 9.2).

use crate::access::Device;
use crate::context::Call;
use crate::error::{Error, Result};
use crate::handlers::dav::account::Asked;
use crate::handlers::dav::properties;
use crate::handlers::dav::target::Target;
use crate::handlers::dav::xml::{CARDDAV, DAV, Element};
use crate::handlers::dav::{body_of, short_multistatus};
use crate::http::Reply;
use crate::http::dav::{FAILED_DEPENDENCY, FORBIDDEN, INSUFFICIENT, OK};
use crate::repository::contacts::books;

/// The longest name of a book, in characters.
const NAME_MAX: usize = 200;
/// The longest description.
const DESCRIPTION_MAX: usize = 2_000;

/// One instruction: a property, and its new value or none to remove it.
struct Change<'a> {
    property: &'a Element,
    value: Option<&'a str>,
}

/// `PROPPATCH /dav/…`
pub fn proppatch(call: &Call, device: &Device) -> Result<Reply> {
    let Asked { target, account, .. } = Asked::of(call, device)?;
    let root = body_of(call, DAV, "propertyupdate")?
        .ok_or_else(|| Error::Malformed("the body is missing".to_owned()))?;
    let changes = changes(&root);
    properties::check_count(changes.len())?;
    let faults: Vec<_> = changes.iter().map(|change| fault(&target, change)).collect();
    if faults.iter().all(Option::is_none) {
        apply(call, account.id, &changes)?;
    }
    let refused = faults.iter().any(Option::is_some);
    let mut out = String::new();
    properties::write_response(&mut out, &target.to_string(), |out| {
        for (change, fault) in changes.iter().zip(faults) {
            write_result(out, change, fault, refused);
        }
        if changes.is_empty() {
            properties::write_propstat(out, "", OK, "");
        }
    });
    Ok(short_multistatus(call, &out))
}

fn changes(root: &Element) -> Vec<Change<'_>> {
    let instructions = root.children.iter().filter(|it| it.is(DAV, "set") || it.is(DAV, "remove"));
    let changes = instructions.flat_map(|instruction| {
        let properties = instruction.all(DAV, "prop").flat_map(|prop| &prop.children);
        let sets = instruction.is(DAV, "set");
        properties
            .map(move |property| Change { property, value: sets.then_some(property.text.trim()) })
    });
    changes.collect()
}

/// The status of a change that cannot be made.
fn fault(target: &Target, change: &Change) -> Option<&'static str> {
    let is_book = matches!(target, Target::Book(_));
    let max = match change.property {
        it if is_book && it.is(DAV, "displayname") => NAME_MAX,
        it if is_book && it.is(CARDDAV, "addressbook-description") => DESCRIPTION_MAX,
        _ => return Some(FORBIDDEN),
    };
    (change.value.unwrap_or_default().chars().count() > max).then_some(INSUFFICIENT)
}

fn apply(call: &Call, owner: i64, changes: &[Change]) -> Result<()> {
    call.app.db.transaction(|tx| {
        changes.iter().try_for_each(|change| {
            // A book without a name to be seen would have none in any list: it gets ours back.
            let value = change.value.map(vcard::trim).filter(|value| !value.is_empty());
            // Each by itself: another program may change the other one meanwhile.
            let set = match change.property.is(DAV, "displayname") {
                true => books::set_display_name,
                false => books::set_description,
            };
            set(tx, owner, value).map(|_| ())
        })
    })
}

fn write_result(out: &mut String, change: &Change, fault: Option<&'static str>, refused: bool) {
    let (ns, name) = (&*change.property.ns, &*change.property.name);
    let mut property = String::new();
    properties::write_property(&mut property, ns, name, "");
    let status = match fault {
        Some(status) => status,
        None if refused => FAILED_DEPENDENCY,
        None => OK,
    };
    let error = match fault == Some(FORBIDDEN) && properties::is_protected(ns) {
        true => "D:cannot-modify-protected-property",
        false => "",
    };
    properties::write_propstat(out, &property, status, error);
}
