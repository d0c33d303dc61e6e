//! Paths and hrefs: which resource a path names, and how a resource's path is written.

use crate::model::{resource_name, text};
use std::fmt;

/// What a path under `/dav/` names. Numbers are ids of accounts, which are those of the caller only
/// once [`Target::of`] has compared them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `/dav/`
    Root,
    /// `/dav/principals/`
    Principals,
    /// `/dav/principals/{user}/`
    Principal(i64),
    /// `/dav/addressbooks/`
    Homes,
    /// `/dav/addressbooks/{user}/`
    Home(i64),
    /// `/dav/addressbooks/{user}/contacts/`
    Book(i64),
    /// A card in it; its name as it is kept.
    Card(i64, String),
    /// A path in the home where a book could be, but never is.
    OtherBook(i64),
    /// A path below a card, or in a book that is not there.
    Orphan(i64),
    /// Anything else.
    Nothing,
}

/// The name of the one book of each account.
const BOOK: &str = "contacts";

impl Target {
    /// What the path names for this account: what belongs to another one is nothing.
    pub fn of(path: &str, owner: i64) -> Target {
        let target = Target::parse(path).unwrap_or(Target::Nothing);
        match target {
            Target::Root | Target::Principals | Target::Homes | Target::Nothing => target,
            Target::Principal(id)
            | Target::Home(id)
            | Target::Book(id)
            | Target::Card(id, _)
            | Target::OtherBook(id)
            | Target::Orphan(id)
                if id == owner =>
            {
                target
            }
            _ => Target::Nothing,
        }
    }

    /// A final slash makes no difference.
    fn parse(path: &str) -> Option<Target> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut segments = path.split('/').map(resource_name::canonical);
        // What stands before the first slash: nothing.
        if segments.next()?.is_some() || segments.next()?? != "dav" {
            return None;
        }
        let Some(kind) = segments.next() else { return Some(Target::Root) };
        let (kind, user) = (kind?, segments.next());
        let user = match user {
            Some(user) => Some(text::id(&user?)?),
            None => None,
        };
        let rest: Vec<Option<String>> = segments.take(4).collect();
        Some(match (kind.as_str(), user, rest.as_slice()) {
            ("principals", None, []) => Target::Principals,
            ("principals", Some(user), []) => Target::Principal(user),
            ("addressbooks", None, []) => Target::Homes,
            ("addressbooks", Some(user), []) => Target::Home(user),
            ("addressbooks", Some(user), [Some(book)]) if book == BOOK => Target::Book(user),
            ("addressbooks", Some(user), [Some(_)]) => Target::OtherBook(user),
            ("addressbooks", Some(user), [Some(book), Some(name)]) if book == BOOK => {
                Target::Card(user, name.clone())
            }
            ("addressbooks", Some(user), [Some(_), _, ..]) => Target::Orphan(user),
            _ => return None,
        })
    }

    /// True for what may have members.
    pub fn is_collection(&self) -> bool {
        !matches!(self, Target::Card(..) | Target::Orphan(_) | Target::Nothing)
    }
}

impl fmt::Display for Target {
    /// The path of what is there; nothing for what is not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Root => write!(f, "/dav/"),
            Target::Principals => write!(f, "/dav/principals/"),
            Target::Principal(id) => write!(f, "/dav/principals/{id}/"),
            Target::Homes => write!(f, "/dav/addressbooks/"),
            Target::Home(id) => write!(f, "/dav/addressbooks/{id}/"),
            Target::Book(id) => write!(f, "/dav/addressbooks/{id}/{BOOK}/"),
            Target::Card(id, name) => write!(f, "/dav/addressbooks/{id}/{BOOK}/{name}"),
            Target::OtherBook(_) | Target::Orphan(_) | Target::Nothing => Ok(()),
        }
    }
}

/// The path in a href: a path, or a URI with any host. None for what cannot be a path.
pub fn path_of(href: &str) -> Option<&str> {
    let (_, path) = authority_and_path(href.trim())?;
    Some(path)
}

/// A URI's host with its port, and its path; no host where it is a path alone.
pub fn authority_and_path(uri: &str) -> Option<(Option<&str>, &str)> {
    if uri.starts_with('/') && !uri.starts_with("//") {
        return Some((None, uri));
    }
    let (scheme, rest) = uri.split_once("://")?;
    if scheme.is_empty() || !scheme.bytes().all(|octet| octet.is_ascii_alphanumeric()) {
        return None;
    }
    let at = rest.find('/')?;
    let (authority, path) = rest.split_at_checked(at)?;
    Some((Some(authority), path))
}

/// The href under which an asked one is answered: each segment in the one way in which it is kept,
/// or what was asked where that cannot be a path.
pub fn canonical_href(asked: &str) -> String {
    let canonical = || {
        let path = path_of(asked)?;
        let segments = path.split('/').map(|segment| match segment {
            "" => Some(String::new()),
            segment => resource_name::canonical(segment),
        });
        Some(segments.collect::<Option<Vec<_>>>()?.join("/"))
    };
    canonical().unwrap_or_else(|| asked.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_is_found_at_the_path_that_it_writes() {
        for target in [
            Target::Root,
            Target::Principals,
            Target::Principal(7),
            Target::Homes,
            Target::Home(7),
            Target::Book(7),
            Target::Card(7, "a%20b.vcf".to_owned()),
        ] {
            let path = target.to_string();
            assert_eq!(Target::of(&path, 7), target, "{path}");
            assert_eq!(Target::of(path.trim_end_matches('/'), 7), target, "{path}");
        }
    }

    #[test]
    fn what_is_of_another_account_is_nothing() {
        for path in
            ["principals/8/", "addressbooks/8", "addressbooks/8/contacts/a", "addressbooks/07"]
        {
            assert_eq!(Target::of(&format!("/dav/{path}"), 7), Target::Nothing, "{path}");
        }
    }

    #[test]
    fn other_paths_are_told_apart_as_far_as_answers_differ() {
        for (path, target) in [
            ("addressbooks/7/work/", Target::OtherBook(7)),
            ("addressbooks/7/work/a.vcf", Target::Orphan(7)),
            ("addressbooks/7/contacts/a.vcf/b", Target::Orphan(7)),
            ("addressbooks/7/contacts//", Target::Orphan(7)),
            ("addressbooks/7/con%74acts", Target::Book(7)),
            ("addressbooks/7/contacts/a%2Fb", Target::Card(7, "a%2Fb".to_owned())),
            ("addressbooks/7/contacts/%00", Target::Orphan(7)),
            ("principals/7/contacts/", Target::Nothing),
            ("principals/x/", Target::Nothing),
            ("nothing", Target::Nothing),
        ] {
            assert_eq!(Target::of(&format!("/dav/{path}"), 7), target, "{path}");
        }
        assert_eq!(Target::of("/davx", 7), Target::Nothing);
        assert_eq!(Target::of("dav/", 7), Target::Nothing);
    }

    #[test]
    fn a_href_is_answered_in_one_way() {
        for (asked, answered) in [
            ("/dav/a@b.vcf", "/dav/a%40b.vcf"),
            ("https://x:8/dav/%61%20b", "/dav/a%20b"),
            (" /dav/a b ", "/dav/a%20b"),
            ("mailto:a@b", "mailto:a@b"),
            ("a.vcf", "a.vcf"),
            ("/dav/%zz", "/dav/%zz"),
            ("//x/dav/", "//x/dav/"),
            ("", ""),
        ] {
            assert_eq!(canonical_href(asked), answered, "{asked}");
        }
    }
}
