//! The few pages for people: HTML as text, from pure functions. They work without JavaScript and
//! under this `Content-Security-Policy`, which `handlers/pages.rs` sends with each of them:
//! `default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';
//! frame-ancestors 'none'`.
//!
//! Whatever comes from outside goes through [`escape`], here and nowhere else.

pub use crate::model::text::escape_html as escape;

/// The picture beside the title of every page, served at `/icon.svg`.
pub const ICON: &str = include_str!("../assets/icon.svg");

/// The style sheet of every page, served at `/style.css`.
pub const STYLE: &str = include_str!("../assets/style.css");

/// What a dead link was for, and so which mail to offer anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLink {
    /// To confirm an address.
    Confirm,
    /// To choose a new password.
    Reset,
}

/// A page. `title` is text; `body` is HTML and must be safe already.
pub fn layout(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>{title} · contactd</title>\n\
         <link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n\
         <header><a class=\"brand\" href=\"/\">contactd</a></header>\n\
         <main>\n<h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// The page at `/`: what this is, and the two things that somebody without a client may need.
pub fn landing() -> String {
    let confirm = mail_form("/api/auth/request_email", "Send the link", "confirm");
    let reset = mail_form("/api/auth/request-password-reset", "Send the link", "reset");
    layout(
        "An address book of your own",
        &format!(
            "<p>This is contactd, a small server that keeps contacts: names, addresses, phone \
             numbers and birthdays, for you and for the programs you use.</p>\n\
             <p><a class=\"button\" href=\"/docs\">See and try the API</a></p>\n\
             <details>\n<summary>I forgot my password</summary>\n{reset}</details>\n\
             <details>\n<summary>My confirmation mail did not come</summary>\n{confirm}</details>\n"
        ),
    )
}

/// The page behind the link that confirms an address (of a new account, or a changed one). One
/// button, because mail scanners follow links but press nothing.
///
/// It names the account: whoever got the mail of somebody else's account should see that.
pub fn confirm(token: &str, username: &str, email: &str) -> String {
    layout(
        "Confirm your address",
        &format!(
            "<p>Press the button, and the account <strong>{}</strong> has the address \
             <strong>{}</strong>. If this is not your account, close this page.</p>\n\
             <form method=\"post\" action=\"/api/auth/confirm-email\">\n{}\
             <button type=\"submit\">Confirm my address</button>\n</form>\n",
            escape(username),
            escape(email),
            hidden_token(token)
        ),
    )
}

/// After [`confirm`].
pub fn confirmed() -> String {
    done("Your address is confirmed", "You can close this page and sign in.")
}

/// The page behind the link of a forgotten password; `error` says what was wrong with the last
/// try, for example `must have 8 to 128 characters`.
///
/// The field has no `maxlength`: browsers would cut a longer password without a word when it is
/// pasted, and its owner could never sign in with it.
pub fn reset(token: &str, error: Option<&str>) -> String {
    let (alert, invalid, described) = match error {
        Some(error) => (
            format!(
                "<p class=\"error\" id=\"password-error\" role=\"alert\">The password {}.</p>\n",
                escape(error.trim_end_matches('.'))
            ),
            " aria-invalid=\"true\"",
            "password-error password-hint",
        ),
        None => (String::new(), "", "password-hint"),
    };
    layout(
        "Choose a new password",
        &format!(
            "<form method=\"post\" action=\"/api/auth/reset-password\">\n{alert}{}\
             <label for=\"password\">New password</label>\n\
             <input id=\"password\" name=\"new_password\" type=\"password\" \
             autocomplete=\"new-password\" minlength=\"8\" required autofocus{invalid} \
             aria-describedby=\"{described}\">\n\
             <p class=\"hint\" id=\"password-hint\">8 to 128 characters of any kind. A few words \
             in a row are easy to remember and hard to guess.</p>\n\
             <button type=\"submit\">Save the password</button>\n</form>\n",
            hidden_token(token)
        ),
    )
}

/// After [`reset`].
pub fn reset_done() -> String {
    done(
        "Your password is changed",
        "You were signed out everywhere. You can close this page and sign in with the new password.",
    )
}

/// After a form that asks for a mail: the same for every address, known or not.
pub fn mail_requested() -> String {
    done(
        "Look into your mailbox",
        "If the address belongs to an account that needs such a link, a mail is on its way. It \
         can take a few minutes; look among the unwanted mails too.",
    )
}

/// For a link that is wrong, used or too old, to be sent with status 400. Offers the next step.
pub fn dead_link(link: DeadLink) -> String {
    let (text, form) = match link {
        DeadLink::Confirm => (
            "Perhaps your address is confirmed already: try to sign in. If it is not, ask for a \
             new link. (To change the address of an account, start the change again.)",
            mail_form("/api/auth/request_email", "Send a new link", "confirm"),
        ),
        DeadLink::Reset => (
            "Such a link works once, for 30 minutes, and only the newest one counts. Ask for a \
             new one:",
            mail_form("/api/auth/request-password-reset", "Send a new link", "reset"),
        ),
    };
    layout("This link does not work any more", &format!("<p>{text}</p>\n{form}"))
}

/// Any other error. `title` and `detail` are those of the problem; `request_id` helps whoever
/// runs the server to find it in the log.
pub fn error(title: &str, detail: &str, request_id: &str) -> String {
    layout(
        title,
        &format!(
            "<p>{}</p>\n<p><a href=\"/\">To the first page</a></p>\n\
             <p class=\"soft\">Request {}</p>\n",
            escape(detail),
            escape(request_id)
        ),
    )
}

fn done(title: &str, text: &str) -> String {
    layout(title, &format!("<p role=\"status\">{}</p>\n", escape(text)))
}

fn hidden_token(token: &str) -> String {
    format!("<input type=\"hidden\" name=\"token\" value=\"{}\">\n", escape(token))
}

/// Asks for an address. `name` keeps ids apart where two such forms stand on one page.
fn mail_form(action: &str, button: &str, name: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{action}\">\n\
         <label for=\"{name}-email\">Your e-mail address</label>\n\
         <input id=\"{name}-email\" name=\"email\" type=\"email\" autocomplete=\"email\" \
         maxlength=\"254\" required>\n\
         <button type=\"submit\">{button}</button>\n</form>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};

    fn pages() -> Vec<(&'static str, String)> {
        vec![
            ("landing", landing()),
            ("confirm", confirm("tok-en_1", "ann", "ann@example.com")),
            ("confirmed", confirmed()),
            ("reset", reset("tok-en_1", None)),
            ("reset-error", reset("tok-en_1", Some("is one of the most common passwords"))),
            ("reset-done", reset_done()),
            ("mail-requested", mail_requested()),
            ("dead-confirm", dead_link(DeadLink::Confirm)),
            ("dead-reset", dead_link(DeadLink::Reset)),
            ("error", error("Too many requests", "Try again in 42 seconds.", "0f9c-77")),
        ]
    }

    /// The values of an attribute, in order.
    fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
        let pieces = page.split(&format!(" {attribute}=\"")).skip(1).collect::<Vec<_>>();
        pieces.into_iter().map(|piece| piece.split('"').next().unwrap()).collect()
    }

    #[test]
    fn pages_need_nothing_that_the_policy_forbids() {
        for (name, page) in pages() {
            for forbidden in ["<script", "<style", " style=", " onclick", "//", "<img", "data:"] {
                assert!(!page.to_lowercase().contains(forbidden), "{name}: {forbidden}");
            }
            assert!(page.contains("<html lang=\"en\">") && page.contains("<title>"));
            assert_eq!(page.matches("<h1>").count(), 1, "{name}");
            assert_eq!(values(&page, "method"), vec!["post"; page.matches("<form").count()]);
        }
    }

    #[test]
    fn every_field_has_a_label_and_every_reference_an_end() {
        for (name, page) in pages() {
            let ids: Vec<_> = values(&page, "id");
            let labels: HashSet<_> = values(&page, "for").into_iter().collect();
            assert_eq!(ids.len(), ids.iter().collect::<HashSet<_>>().len(), "{name}");
            for input in page.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap()) {
                let labelled = values(input, "id").iter().any(|id| labels.contains(id));
                assert!(input.contains("hidden") || labelled, "{name}: {input}");
            }
            let described = values(&page, "aria-describedby");
            for id in described.iter().flat_map(|list| list.split(' ')).chain(labels) {
                assert!(ids.contains(&id), "{name}: {id}");
            }
        }
    }

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let evil = "\"><script>alert('1')</script>&";
        let pages =
            [confirm(evil, evil, evil), reset(evil, Some(evil)), error(evil, evil, evil), layout(evil, "")];
        for page in pages {
            assert!(!page.contains("<script") && !page.contains("alert('"), "{page}");
            assert!(
                page.contains("&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;")
            );
        }
    }

    #[test]
    fn the_error_stands_at_its_field() {
        let page = reset("t", Some("must have 8 to 128 characters"));
        assert!(page.contains("role=\"alert\">The password must have 8 to 128 characters.</p>"));
        assert!(page.contains("aria-invalid=\"true\" aria-describedby=\"password-error "));
        assert!(page.contains("autocomplete=\"new-password\""));
        let page = reset("t", None);
        assert!(!page.contains("alert") && !page.contains("aria-invalid"));
    }

    /// Colours of the style sheet: light, dark.
    fn colours() -> [HashMap<String, [f64; 3]>; 2] {
        let (light, dark) = STYLE.split_once("@media (prefers-color-scheme: dark)").unwrap();
        [light, dark].map(|part| {
            let lines = part.lines().filter_map(|line| line.trim().split_once(": #"));
            let named = lines.filter(|(name, _)| name.starts_with("--"));
            named
                .map(|(name, hex)| {
                    let channel = |at| {
                        let value = u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
                        f64::from(value) / 255.0
                    };
                    (name.to_owned(), [channel(0), channel(2), channel(4)])
                })
                .collect()
        })
    }

    /// WCAG 2.2.
    fn luminance(colour: [f64; 3]) -> f64 {
        let linear = colour.map(|value| match value {
            dark if dark <= 0.040_45 => dark / 12.92,
            light => ((light + 0.055) / 1.055).powf(2.4),
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    #[test]
    fn colours_can_be_told_apart() {
        let pairs = [
            ("--text", "--page", 4.5),
            ("--text", "--card", 4.5),
            ("--soft", "--page", 4.5),
            ("--soft", "--card", 4.5),
            ("--link", "--card", 4.5),
            ("--error", "--error-page", 4.5),
            ("--button-text", "--button", 4.5),
            ("--button-text", "--button-hover", 4.5),
            ("--control", "--card", 3.0),
            ("--error", "--card", 3.0),
            ("--focus", "--card", 3.0),
            ("--focus", "--page", 3.0),
        ];
        for colours in colours() {
            for (front, back, least) in pairs {
                let (a, b) = (luminance(colours[front]), luminance(colours[back]));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= least, "{front} on {back}: {contrast:.2}");
            }
        }
    }

    /// `PAGES_DIR=/tmp/pages cargo test --lib markup` writes the pages out, to be looked at.
    #[test]
    #[allow(clippy::disallowed_methods)]
    fn pages_can_be_looked_at() {
        let Some(directory) = std::env::var_os("PAGES_DIR") else { return };
        let directory = std::path::PathBuf::from(directory);
        std::fs::write(directory.join("style.css"), STYLE).unwrap();
        for (name, page) in pages() {
            std::fs::write(directory.join(format!("{name}.html")), page).unwrap();
        }
    }
}
