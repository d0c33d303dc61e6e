//! `If-Match` and `If-None-Match` (RFC 9110, 13.1): one place for REST and CardDAV, since both guard one
//! row.

use crate::error::{Error, Result};

/// The entity tag of what has this revision, as REST and CardDAV have it.
pub fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// The conditions of a request. An entity tag is the revision of a contact.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    if_match: Option<String>,
    if_none_match: Option<String>,
}

impl Conditions {
    /// From the values of the two headers.
    pub fn new(if_match: Option<String>, if_none_match: Option<String>) -> Conditions {
        Conditions { if_match, if_none_match }
    }

    /// Whether a change may happen to what has this revision now, or is not there at all.
    pub fn allow(&self, current: Option<i64>) -> Result<()> {
        let tag = current.map(etag);
        let is = |tags: &str, weak| tag.as_deref().is_some_and(|tag| names(tags, tag, weak));
        let matches = self.if_match.as_deref().is_none_or(|tags| is(tags, false));
        let differs = !self.if_none_match.as_deref().is_some_and(|tags| is(tags, true));
        if matches && differs { Ok(()) } else { Err(Error::PreconditionFailed) }
    }
}

/// True if a list of entity tags names this one, or is `*`. `If-Match` wants strong comparison: a weak tag
/// matches nothing; `If-None-Match` the weak one (RFC 9110, 8.8.3.2).
pub fn names(tags: &str, tag: &str, weak: bool) -> bool {
    let bare = |one: &str| match one.strip_prefix("W/") {
        Some(strong) => weak && strong == tag,
        None => one == tag,
    };
    tags.split(',').map(str::trim).any(|one| one == "*" || bare(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(if_match: Option<&str>, if_none_match: Option<&str>, current: Option<i64>) -> bool {
        let (if_match, if_none_match) =
            (if_match.map(str::to_owned), if_none_match.map(str::to_owned));
        Conditions::new(if_match, if_none_match).allow(current).is_ok()
    }

    #[test]
    fn a_change_happens_to_what_the_client_has_seen() {
        assert!(allowed(None, None, None) && allowed(None, None, Some(7)));
        assert!(allowed(Some("\"6\", \"7\""), None, Some(7)));
        assert!(!allowed(Some("\"6\""), None, Some(7)));
        assert!(!allowed(Some("W/\"7\""), None, Some(7)));
        assert!(allowed(Some("*"), None, Some(7)) && !allowed(Some("*"), None, None));
    }

    #[test]
    fn or_to_what_is_not_there() {
        assert!(allowed(None, Some("*"), None) && !allowed(None, Some("*"), Some(7)));
        assert!(!allowed(None, Some("W/\"7\""), Some(7)));
        assert!(!names("7", "\"7\"", true) && names("\"6\", *", "\"7\"", false));
    }
}
