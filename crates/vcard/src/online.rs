//! Accounts at messengers and networks: IMPP (RFC 4770), `X-SOCIALPROFILE` and the names that
//! programs gave them before.

use crate::Online;
use crate::clean::strip_scheme;
use crate::label::Labels;
use crate::line::Line;
use crate::value::{escape, one_line};

/// Services in their one spelling, with the scheme of their URIs where it is another word.
const SERVICES: [(&str, &str); 24] = [
    ("aim", "aim"),
    ("discord", "discord"),
    ("facebook", "facebook"),
    ("gadugadu", "gg"),
    ("googletalk", "xmpp"),
    ("icq", "icq"),
    ("instagram", "instagram"),
    ("irc", "irc"),
    ("jabber", "xmpp"),
    ("linkedin", "linkedin"),
    ("mastodon", "mastodon"),
    ("matrix", "matrix"),
    ("msn", "msnim"),
    ("qq", "qq"),
    ("signal", "signal"),
    ("sip", "sip"),
    ("skype", "skype"),
    ("telegram", "telegram"),
    ("threema", "threema"),
    ("twitter", "twitter"),
    ("wechat", "weixin"),
    ("whatsapp", "whatsapp"),
    ("xmpp", "xmpp"),
    ("yahoo", "ymsgr"),
];

/// Names of a line that say the service, or none.
const NAMES: [(&str, &str); 26] = [
    ("X-AIM", "aim"),
    ("X-DISCORD", "discord"),
    ("X-FACEBOOK", "facebook"),
    ("X-GADUGADU", "gadugadu"),
    ("X-GOOGLE-TALK", "googletalk"),
    ("X-GTALK", "googletalk"),
    ("X-ICQ", "icq"),
    ("X-INSTAGRAM", "instagram"),
    ("X-IRC", "irc"),
    ("X-JABBER", "jabber"),
    ("X-KADDRESSBOOK-X-IMADDRESS", ""),
    ("X-LINKEDIN", "linkedin"),
    ("X-MASTODON", "mastodon"),
    ("X-MATRIX", "matrix"),
    ("X-MS-IMADDRESS", ""),
    ("X-MSN", "msn"),
    ("X-QQ", "qq"),
    ("X-SIGNAL", "signal"),
    ("X-SIP", "sip"),
    ("X-SKYPE", "skype"),
    ("X-SKYPE-USERNAME", "skype"),
    ("X-TELEGRAM", "telegram"),
    ("X-THREEMA", "threema"),
    ("X-TWITTER", "twitter"),
    ("X-WHATSAPP", "whatsapp"),
    ("X-YAHOO", "yahoo"),
];

/// Schemes that say nothing of the service.
const NO_SERVICE: [&str; 2] = ["x-apple", "im"];

/// A service of ours in its one spelling; anything else as it is.
pub fn service(name: &str) -> String {
    let known = SERVICES.iter().find(|(word, _)| word.eq_ignore_ascii_case(name));
    // It is written as a parameter, which has no quotes.
    known.map_or_else(|| name.replace('"', ""), |(word, _)| (*word).to_owned())
}

/// True for a line that may be an account.
pub fn is_account(line: &Line<'_>) -> bool {
    line.is_any(&["IMPP", "X-SOCIALPROFILE"]) || NAMES.iter().any(|(name, _)| line.is(name))
}

/// The account that a line is, if it is one.
pub fn read(line: &Line<'_>, labels: &Labels) -> Option<Online> {
    let (named, value) = if line.is("IMPP") {
        impp(line)
    } else if line.is("X-SOCIALPROFILE") {
        social(line)
    } else {
        let (_, word) = NAMES.iter().find(|(name, _)| line.is(name))?;
        let text = line.text();
        let bare = strip_scheme(text.trim(), &format!("{}:", scheme_of(word))).map(str::to_owned);
        (Some((*word).to_owned()), bare.unwrap_or(text))
    };
    Some(Online {
        service: named.as_deref().and_then(one_line).map(|name| service(&name)),
        value: one_line(&value)?,
        label: labels.get(line),
    })
}

/// Service and name of an IMPP: the service is in `X-SERVICE-TYPE`, else it is the URI's scheme.
fn impp(line: &Line<'_>) -> (Option<String>, String) {
    // Nextcloud writes the service as a TYPE.
    let is_service = |word: &&str| SERVICES.iter().any(|(it, _)| it.eq_ignore_ascii_case(word));
    let said = line.param("X-SERVICE-TYPE").filter(|name| !name.is_empty());
    let said = said.or_else(|| line.param_values("TYPE").find(is_service)).map(service);
    let text = line.text();
    let text = text.trim();
    let Some((scheme, rest)) = text.split_once(':') else { return (said, text.to_owned()) };
    let scheme = scheme.to_ascii_lowercase();
    if NO_SERVICE.contains(&scheme.as_str()) {
        return (said, rest.to_owned());
    }
    // Of the services that share a scheme the last one is called like it; some programs write the name
    // of the service there.
    let schemes = SERVICES.iter().rev().find(|(_, known)| *known == scheme);
    let known = schemes.or_else(|| SERVICES.iter().find(|(word, _)| *word == scheme));
    match (said, known) {
        (Some(said), None) if said.eq_ignore_ascii_case(&scheme) => (Some(said), rest.to_owned()),
        (said, Some((word, _))) => (said.or(Some((*word).to_owned())), rest.to_owned()),
        (said, None) => (said, text.to_owned()),
    }
}

/// Service and name of an `X-SOCIALPROFILE`: Apple has the name in `X-USER` beside the address.
fn social(line: &Line<'_>) -> (Option<String>, String) {
    let place = |word: &str| ["home", "work", "other", "pref"].contains(&word);
    let mut types = line.param_values("TYPE").filter(|word| !word.is_empty());
    let name = types.find(|word| !place(&word.to_ascii_lowercase()));
    let user = line.param("X-USER").and_then(one_line);
    let text = line.text();
    let text = strip_scheme(text.trim(), "x-apple:").unwrap_or(text.trim());
    (name.map(str::to_owned), user.unwrap_or_else(|| text.to_owned()))
}

/// The scheme with which an account of that service is written.
fn scheme_of(service: &str) -> String {
    let known = SERVICES.iter().find(|(word, _)| *word == service);
    known.map_or("x-apple", |(_, scheme)| scheme).to_owned()
}

/// The account as a line.
pub fn write(online: &Online) -> Line<'static> {
    let service = online.service.as_deref().unwrap_or_default();
    let line = Line::new("IMPP", format!("{}:{}", scheme_of(service), escape(&online.value)));
    if service.is_empty() { line } else { line.with("X-SERVICE-TYPE", service) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::lines;

    #[test]
    fn accounts_of_every_kind() {
        for (text, service, value) in [
            ("IMPP:xmpp:zoe@example.com", Some("xmpp"), "zoe@example.com"),
            ("IMPP;X-SERVICE-TYPE=Skype;type=pref:skype:jo", Some("skype"), "jo"),
            ("IMPP;X-SERVICE-TYPE=GoogleTalk:xmpp:a@b", Some("googletalk"), "a@b"),
            ("IMPP;X-SERVICE-TYPE=Custom:x-apple:jo", Some("Custom"), "jo"),
            ("IMPP:x-apple:a:b", None, "a:b"),
            ("IMPP:https://x.example", None, "https://x.example"),
            ("IMPP;X-SERVICE-TYPE=matrix:@jo:example.net", Some("matrix"), "@jo:example.net"),
            ("IMPP:jo", None, "jo"),
            ("X-JABBER:jo@x", Some("jabber"), "jo@x"),
            ("IMPP:jabber:jo@x", Some("jabber"), "jo@x"),
            ("X-SIP:jo@x", Some("sip"), "jo@x"),
            ("X-MS-IMADDRESS:jo@x", None, "jo@x"),
            (
                "X-SOCIALPROFILE;TYPE=mastodon:https://m.example/@z",
                Some("mastodon"),
                "https://m.example/@z",
            ),
            ("X-SOCIALPROFILE;type=twitter;x-user=jo:http://t.example/jo", Some("twitter"), "jo"),
        ] {
            let all: Vec<_> = lines(text).collect();
            let found = read(&all[0], &Labels::of(&all)).unwrap();
            assert_eq!(
                (found.service.as_deref(), found.value.as_str()),
                (service, value),
                "{text}"
            );
            let mut out = String::new();
            write(&found).write(&mut out);
            let all: Vec<_> = lines(&out).collect();
            assert_eq!(read(&all[0], &Labels::of(&all)), Some(found), "{out}");
        }
    }
}
