//! The headers that WebDAV adds to HTTP: Depth, Prefer, Brief, Overwrite, Destination, If.

use crate::context::Call;
use crate::error::{DavFault, Error, Result};
use crate::handlers::dav::target::{Target, authority_and_path, path_of};

/// How deep a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The resource itself.
    Zero,
    /// And its members.
    One,
    /// And theirs. No Depth means this (RFC 4918, 9.1).
    Infinity,
}

/// `Depth`. Clients send numbers that the RFC does not have: more than one is one.
pub fn depth(call: &Call) -> Result<Depth> {
    read_depth(call.header("Depth"))
}

fn read_depth(raw: Option<&str>) -> Result<Depth> {
    match raw.map(str::trim) {
        None => Ok(Depth::Infinity),
        Some(text) if text.eq_ignore_ascii_case("infinity") => Ok(Depth::Infinity),
        Some("0") => Ok(Depth::Zero),
        Some(text) if !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()) => {
            Ok(Depth::One)
        }
        Some(_) => Err(Error::Malformed("Depth must be 0, 1 or infinity".to_owned())),
    }
}

/// True where the client wants no word of what is missing: `Prefer: return=minimal` (RFC 8144), or
/// Apple's `Brief: t`.
pub fn wants_minimal(call: &Call) -> bool {
    let prefers = call.request.headers().filter(|(name, _)| name.eq_ignore_ascii_case("Prefer"));
    let mut wishes = prefers.flat_map(|(_, value)| value.split([',', ';']));
    wishes.any(is_return_minimal)
        || call.header("Brief").is_some_and(|brief| brief.trim().eq_ignore_ascii_case("t"))
}

fn is_return_minimal(wish: &str) -> bool {
    let mut parts = wish.splitn(2, '=').map(|part| part.trim().trim_matches('"'));
    parts.next().is_some_and(|name| name.eq_ignore_ascii_case("return"))
        && parts.next().is_some_and(|value| value.eq_ignore_ascii_case("minimal"))
}

/// Where `MOVE` is to go. [`DavFault::OtherServer`] for a host that is neither the one that was
/// asked nor that of `PUBLIC_URL`.
pub fn destination(call: &Call, owner: i64) -> Result<Target> {
    let raw = call.header("Destination").unwrap_or_default().trim();
    let (authority, path) = authority_and_path(raw)
        .ok_or_else(|| Error::Malformed("Destination must be a path or a URI".to_owned()))?;
    // A query names no other resource, and a fragment has no place here (RFC 4918, 10.3).
    let path = path.split('?').next().unwrap_or_default();
    if path.contains('#') {
        return Err(Error::Malformed("Destination must have no fragment".to_owned()));
    }
    let public = authority_and_path(&call.app.config.public_url).and_then(|(host, _)| host);
    let public = public.or_else(|| call.app.config.public_url.split("://").nth(1));
    let ours = [call.header("Host"), public];
    let is_ours = |host: &str| ours.iter().flatten().any(|known| is_same_host(known, host));
    match authority {
        Some(host) if !is_ours(host) => Err(Error::Dav(DavFault::OtherServer)),
        _ => Ok(Target::of(path, owner)),
    }
}

/// True for two names of one server. A proxy may have changed the scheme, and with it the port that is
/// left out.
fn is_same_host(one: &str, other: &str) -> bool {
    let bare = |host: &str| {
        let bare = host.strip_suffix(":443").or_else(|| host.strip_suffix(":80"));
        bare.unwrap_or(host).to_ascii_lowercase()
    };
    bare(one) == bare(other)
}

/// True unless `Overwrite: F`.
pub fn may_overwrite(call: &Call) -> bool {
    !call.header("Overwrite").is_some_and(|raw| raw.trim().eq_ignore_ascii_case("F"))
}

/// The header `If` (RFC 4918, 10.4): lists of conditions, of which one list has to hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct If(Vec<List>);

#[derive(Debug, PartialEq, Eq)]
struct List {
    /// The path that it is about; none: the request's own.
    resource: Option<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug, PartialEq, Eq)]
struct Condition {
    negated: bool,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Token(String),
    ETag(String),
}

impl If {
    /// The request's header. [`Error::Malformed`] for what the grammar does not have.
    pub fn of(call: &Call) -> Result<Option<If>> {
        let wrong = || Error::Malformed("If has no list of conditions".to_owned());
        call.header("If").map(|raw| If::parse(raw).ok_or_else(wrong)).transpose()
    }

    fn parse(raw: &str) -> Option<If> {
        let (mut lists, mut resource, mut rest) = (Vec::new(), None, raw.trim());
        while !rest.is_empty() {
            if let Some(tag) = rest.strip_prefix('<') {
                let (tag, after) = tag.split_once('>')?;
                (resource, rest) = (Some(tag.to_owned()), after.trim_start());
            }
            let (conditions, after) = conditions(rest.strip_prefix('(')?)?;
            lists.push(List { resource: resource.clone(), conditions });
            rest = after.trim_start();
        }
        (!lists.is_empty()).then_some(If(lists))
    }

    /// True if a list holds. `own` is what the request is about; `token` and `etag` give the state
    /// of a resource of this account.
    pub fn holds(
        &self,
        owner: i64,
        own: &Target,
        token: impl Fn(&Target) -> Option<String>,
        mut etag: impl FnMut(&Target) -> Result<Option<String>>,
    ) -> Result<bool> {
        for list in &self.0 {
            let named = list.resource.as_deref();
            let named = named.map(|href| path_of(href).map(|path| Target::of(path, owner)));
            let target = named.map_or_else(|| own.clone(), |it| it.unwrap_or(Target::Nothing));
            let mut all = true;
            for condition in &list.conditions {
                let holds = match &condition.state {
                    State::Token(wanted) => token(&target).as_ref() == Some(wanted),
                    State::ETag(wanted) => etag(&target)?.as_ref() == Some(wanted),
                };
                all &= holds != condition.negated;
            }
            if all {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The conditions of a list, up to its closing bracket, and what follows.
fn conditions(mut rest: &str) -> Option<(Vec<Condition>, &str)> {
    let mut conditions = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(')') {
            return (!conditions.is_empty()).then_some((conditions, after));
        }
        let negated = rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("not"));
        if negated {
            rest = rest.get(3..)?.trim_start();
        }
        let state = if let Some(token) = rest.strip_prefix('<') {
            let (token, after) = token.split_once('>')?;
            rest = after;
            State::Token(token.to_owned())
        } else {
            let (etag, after) = rest.strip_prefix('[')?.split_once(']')?;
            rest = after;
            State::ETag(etag.to_owned())
        };
        conditions.push(Condition { negated, state });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_read_as_clients_write_it() {
        for (raw, depth) in [
            (None, Depth::Infinity),
            (Some("0"), Depth::Zero),
            (Some(" 1 "), Depth::One),
            (Some("10"), Depth::One),
            (Some("Infinity"), Depth::Infinity),
        ] {
            assert_eq!(read_depth(raw).unwrap(), depth, "{raw:?}");
        }
        for raw in ["", "-1", "one", "1,0"] {
            assert!(read_depth(Some(raw)).is_err(), "{raw}");
        }
    }

    #[test]
    fn a_wish_for_little_is_read() {
        for (wish, minimal) in [
            ("return=minimal", true),
            ("Return = \"minimal\"", true),
            ("return=representation", false),
            ("minimal", false),
        ] {
            assert_eq!(is_return_minimal(wish), minimal, "{wish}");
        }
    }

    fn holds(raw: &str) -> bool {
        let is =
            |target: &Target, it: &Target, state: &str| (target == it).then(|| state.to_owned());
        let own = Target::Card(1, "a".to_owned());
        let header = If::parse(raw).unwrap_or_else(|| panic!("{raw}"));
        let token = |it: &Target| is(it, &Target::Book(1), "t:1");
        header.holds(1, &own, token, |it| Ok(is(it, &own, "\"5\""))).unwrap()
    }

    #[test]
    fn a_list_holds_if_all_its_conditions_do() {
        for (raw, expected) in [
            ("</dav/addressbooks/1/contacts/> (<t:1>)", true),
            ("<http://x/dav/addressbooks/1/contacts> (<t:1>)", true),
            ("</dav/addressbooks/1/contacts/> (<t:2>)", false),
            ("</dav/addressbooks/2/contacts/> (<t:1>)", false),
            ("(<t:1>)", false),
            ("([\"5\"])", true),
            ("(Not <t:1>)", true),
            ("(not [\"5\"])", false),
            ("([\"5\"] <t:1>)", false),
            ("([\"4\"]) ([\"5\"] Not <t:9>)", true),
            ("</dav/addressbooks/1/contacts/> (<t:1> [\"5\"])", false),
        ] {
            assert_eq!(holds(raw), expected, "{raw}");
        }
    }

    #[test]
    fn what_is_no_list_is_no_header() {
        for raw in ["", "x", "()", "(", "(<a>", "<a>", "(\"5\")", "([\"5\")", "(<a>) x"] {
            assert_eq!(If::parse(raw), None, "{raw}");
        }
    }
}
