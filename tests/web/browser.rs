//! A browser: it keeps cookies, follows redirects on demand, and fills forms in as they came.

use std::cell::RefCell;
use support::world::{Actor, Answer, PASSWORD, World};

/// Where the tests' server is, as browsers see it.
pub const ORIGIN: &str = "https://contacts.example";
/// What a browser says of a form of our own pages.
pub const OURS: [(&str, &str); 2] = [("Origin", ORIGIN), ("Sec-Fetch-Site", "same-origin")];

/// The value of the first field of this name on a page.
pub fn value<'p>(page: &'p str, name: &str) -> &'p str {
    let after = page.split(&format!("name=\"{name}\" value=\"")).nth(1).expect(name);
    after.split('"').next().unwrap()
}

pub struct Browser {
    actor: Actor,
    cookies: RefCell<Vec<(String, String)>>,
    language: &'static str,
}

impl Browser {
    /// With no cookie yet.
    pub fn new(world: &World) -> Browser {
        Browser { actor: world.nobody(), cookies: RefCell::default(), language: "en" }
    }

    /// Signed in as this account, through the page.
    pub fn signed_in(world: &World, name: &str) -> Browser {
        let browser = Browser::new(world);
        browser.get("/login").expect(200);
        let form = [("username", name), ("password", PASSWORD)];
        let answer = browser.post("/login", &form).expect(303);
        assert_eq!(answer.header("Location"), "/contacts");
        browser
    }

    pub fn reading(self, language: &'static str) -> Browser {
        Browser { language, ..self }
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies.borrow();
        cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.cookies.borrow_mut().push((name.to_owned(), value.to_owned()));
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// Goes where an answer sends.
    pub fn follow(&self, answer: &Answer) -> Answer {
        assert_eq!(answer.status, 303, "{}: {}", answer.asked, answer.text());
        self.get(answer.header("Location"))
    }

    /// The token that stands in the forms of a page of this browser.
    pub fn token(&self) -> String {
        let page = self.get("/settings").text();
        let after = page.split("name=\"csrf\" value=\"").nth(1).unwrap_or_default();
        after.split('"').next().unwrap().to_owned()
    }

    /// Sends a form with the token of this browser's session.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token();
        let fields: Vec<_> =
            [("csrf", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post_raw(path, &fields, &OURS)
    }

    /// Sends these fields and no others, with these headers.
    pub fn post_raw(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        };
        let body: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let headers: Vec<_> = [form].into_iter().chain(headers.iter().copied()).collect();
        self.send("POST", path, &headers, body.join("&").as_bytes())
    }

    /// Sends a form with a file.
    pub fn post_file(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        name: &str,
        file: &[u8],
    ) -> Answer {
        let token = self.token();
        let mut body = Vec::new();
        for (name, value) in [("csrf", token.as_str())].iter().chain(fields) {
            body.extend(
                format!(
                    "--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                )
                .bytes(),
            );
        }
        body.extend(
            format!(
                "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n"
            )
            .bytes(),
        );
        body.extend(file);
        body.extend(b"\r\n--b--\r\n");
        let headers = [("Content-Type", "multipart/form-data; boundary=b"), ("Origin", ORIGIN)];
        self.send("POST", path, &headers, &body)
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let path = path.strip_prefix(ORIGIN).unwrap_or(path);
        let path = path.split('#').next().unwrap_or_default();
        let cookies: Vec<_> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut all = vec![("Accept-Language", self.language), ("Accept", "text/html")];
        all.extend((!cookies.is_empty()).then_some(("Cookie", cookies.as_str())));
        all.extend(headers);
        let answer = self.actor.send(method, path, &all, body);
        for (name, value) in &answer.headers {
            if name.eq_ignore_ascii_case("set-cookie") {
                let (cookie, rest) = value.split_once(';').unwrap_or((value, ""));
                let (name, value) = cookie.split_once('=').expect("a cookie");
                let gone = rest.contains("Max-Age=0");
                self.set_cookie(name, if gone { "" } else { value });
            }
        }
        answer
    }
}

/// The number after `/contacts/` in an address.
pub fn contact_id(answer: &Answer) -> i64 {
    let location = answer.header("Location");
    location.rsplit('/').next().unwrap().parse().unwrap_or_else(|_| panic!("{location}"))
}
