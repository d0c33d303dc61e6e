//! A phone: HTTP over a socket, Basic with an app password, multistatus read by roxmltree.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roxmltree::{Document, Node};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use support::world::{Actor, PASSWORD, World};

pub const DAV: &str = "DAV:";
pub const CARDDAV: &str = "urn:ietf:params:xml:ns:carddav";
pub const CALSERVER: &str = "http://calendarserver.org/ns/";

/// A world whose program also listens, until this is dropped.
pub struct Ground {
    pub world: World,
    pub address: SocketAddr,
    stopper: http1::Stopper,
}

impl Drop for Ground {
    /// A server that went on would keep its connections to Postgres for all the tests that follow.
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

impl Ground {
    pub fn new() -> Ground {
        Ground::of(World::new())
    }

    pub fn of(world: World) -> Ground {
        let server = contactd::serve::listen(&world.app, ([127, 0, 0, 1], 0).into()).unwrap();
        let (address, stopper) = (server.local_addr(), server.stopper());
        std::thread::spawn(move || server.run());
        Ground { world, address, stopper }
    }

    /// An account and its phone.
    pub fn owner(&self, name: &str) -> (Actor, Phone) {
        let actor = self.world.user(name);
        let phone = self.phone(&actor, "carddav");
        (actor, phone)
    }

    pub fn phone(&self, owner: &Actor, scope: &str) -> Phone {
        let wish = json!({"name": "phone", "scope": scope, "password": PASSWORD});
        let answer = owner.post("/api/users/me/app-passwords", wish).expect(201).json();
        let secret = answer["secret"].as_str().unwrap();
        let authorization = basic(&owner.name, secret);
        Phone { address: self.address, authorization, agent: "test".to_owned(), id: owner.id }
    }
}

/// A ground with one account and its phone.
pub fn ann() -> (Ground, Actor, Phone) {
    let ground = Ground::new();
    let (ann, phone) = ground.owner("ann");
    (ground, ann, phone)
}

pub fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

#[derive(Clone)]
pub struct Phone {
    pub address: SocketAddr,
    pub authorization: String,
    pub agent: String,
    pub id: i64,
}

impl Phone {
    pub fn principal(&self) -> String {
        format!("/dav/principals/{}/", self.id)
    }

    pub fn home(&self) -> String {
        format!("/dav/addressbooks/{}/", self.id)
    }

    pub fn book(&self) -> String {
        format!("/dav/addressbooks/{}/contacts/", self.id)
    }

    pub fn path(&self, name: &str) -> String {
        format!("{}{name}", self.book())
    }

    pub fn with_agent(&self, agent: &str) -> Phone {
        Phone { agent: agent.to_owned(), ..self.clone() }
    }

    pub fn with_authorization(&self, authorization: &str) -> Phone {
        Phone { authorization: authorization.to_owned(), ..self.clone() }
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Got {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nUser-Agent: {}\r\n",
            self.address, self.agent
        );
        if !self.authorization.is_empty() {
            head += &format!("Authorization: {}\r\n", self.authorization);
        }
        let chunked = headers.iter().any(|(name, _)| *name == "Transfer-Encoding");
        if !chunked && (!body.is_empty() || method == "PUT") {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let mut request = format!("{head}\r\n").into_bytes();
        request.extend(body);
        Got { asked: format!("{method} {path}"), ..exchange(self.address, &request) }
    }

    pub fn get(&self, name: &str) -> Got {
        self.send("GET", &self.path(name), &[], b"")
    }

    pub fn put(&self, name: &str, card: &str) -> Got {
        self.put_with(name, &[], card)
    }

    pub fn put_with(&self, name: &str, headers: &[(&str, &str)], card: &str) -> Got {
        let typed = headers.iter().any(|(name, _)| *name == "Content-Type");
        let kind = ("Content-Type", "text/vcard; charset=utf-8");
        let all: Vec<_> = headers.iter().copied().chain((!typed).then_some(kind)).collect();
        self.send("PUT", &self.path(name), &all, card.as_bytes())
    }

    pub fn delete(&self, name: &str) -> Got {
        self.send("DELETE", &self.path(name), &[], b"")
    }

    pub fn propfind(&self, path: &str, depth: &str, prop: &str) -> Multi {
        self.propfind_with(path, &[("Depth", depth)], prop).expect(207).multi()
    }

    pub fn propfind_with(&self, path: &str, headers: &[(&str, &str)], prop: &str) -> Got {
        let body = format!("<D:propfind {NAMESPACES}><D:prop>{prop}</D:prop></D:propfind>");
        self.send("PROPFIND", path, &xml(headers), body.as_bytes())
    }

    pub fn report(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        self.send("REPORT", path, &xml(headers), body.as_bytes())
    }

    /// The names of the cards that a filter finds, sorted.
    pub fn query(&self, filter: &str) -> Vec<String> {
        let answer = self.query_with(&[("Depth", "1")], filter).expect(207).multi();
        let mut names: Vec<_> = answer.responses.iter().map(|it| self.name_of(&it.href)).collect();
        names.sort();
        names
    }

    pub fn query_with(&self, headers: &[(&str, &str)], filter: &str) -> Got {
        let body = format!(
            "<C:addressbook-query {NAMESPACES}><D:prop><D:getetag/></D:prop>{filter}</C:addressbook-query>"
        );
        self.report(&self.book(), headers, &body)
    }

    pub fn multiget(&self, hrefs: &[&str]) -> Multi {
        self.multiget_with("<D:getetag/><C:address-data/>", hrefs).expect(207).multi()
    }

    pub fn multiget_with(&self, prop: &str, hrefs: &[&str]) -> Got {
        let hrefs: String = hrefs.iter().map(|it| format!("<D:href>{it}</D:href>")).collect();
        let body = format!(
            "<C:addressbook-multiget {NAMESPACES}><D:prop>{prop}</D:prop>{hrefs}</C:addressbook-multiget>"
        );
        self.report(&self.book(), &[], &body)
    }

    pub fn sync(&self, token: &str) -> Multi {
        self.sync_with(&[("Depth", "0")], token, "").expect(207).multi()
    }

    pub fn sync_with(&self, headers: &[(&str, &str)], token: &str, more: &str) -> Got {
        let body = format!(
            "<D:sync-collection {NAMESPACES}><D:sync-token>{token}</D:sync-token>\
             <D:sync-level>1</D:sync-level>{more}<D:prop><D:getetag/></D:prop></D:sync-collection>"
        );
        self.report(&self.book(), headers, &body)
    }

    /// The text of a property of a resource.
    pub fn property(&self, path: &str, prop: &str) -> String {
        let answer = self.propfind(path, "0", &format!("<{prop}/>"));
        answer.responses[0].ok()[0].text.clone()
    }

    pub fn token(&self) -> String {
        self.property(&self.book(), "D:sync-token")
    }

    pub fn etag(&self, name: &str) -> String {
        self.get(name).expect(200).header("ETag").to_owned()
    }

    pub fn name_of(&self, href: &str) -> String {
        href.strip_prefix(&self.book()).unwrap_or(href).to_owned()
    }
}

pub const NAMESPACES: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:carddav\" \
    xmlns:CS=\"http://calendarserver.org/ns/\" xmlns:X=\"urn:x\"";

fn xml<'a>(headers: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let typed = headers.iter().any(|(name, _)| *name == "Content-Type");
    let kind = ("Content-Type", "application/xml; charset=utf-8");
    headers.iter().copied().chain((!typed).then_some(kind)).collect()
}

/// Sends bytes and reads the answer to its end.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Got {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    // A server that refuses a body may close before it was sent.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer") + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    if head.starts_with("HTTP/1.1 100") {
        panic!("100 was not asked for");
    }
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: Vec<_> =
        headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let body = bytes[end..].to_vec();
    let mut got = Got { asked: String::new(), status, headers, body };
    if got.header("Transfer-Encoding") == "chunked" {
        got.body = unchunked(&got.body);
    }
    got
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").expect("a chunk's size");
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return out;
        }
        out.extend(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Got {
    pub asked: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Got {
    #[track_caller]
    pub fn expect(self, status: u16) -> Got {
        assert_eq!(self.status, status, "{}: {:?} {}", self.asked, self.headers, self.text());
        self
    }

    #[track_caller]
    pub fn expect_one_of(self, statuses: &[u16]) -> Got {
        assert!(statuses.contains(&self.status), "{}: {} {}", self.asked, self.status, self.text());
        self
    }

    /// Fails the test unless the body is `D:error` with this element in it.
    #[track_caller]
    pub fn expect_error(self, status: u16, ns: &str, name: &str) -> Got {
        let got = self.expect(status);
        assert_eq!(got.header("Content-Type"), "application/xml; charset=utf-8");
        let text = got.text();
        let document = Document::parse(&text).unwrap();
        let root = document.root_element();
        assert!(root.has_tag_name((DAV, "error")), "{text}");
        let inside = root.first_element_child().unwrap_or_else(|| panic!("{text}"));
        assert!(inside.has_tag_name((ns, name)), "{text}");
        got
    }

    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body without what differs from request to request.
    pub fn essence(&self) -> String {
        let text = self.text();
        match text.split_once("\"request_id\":\"") {
            Some((before, after)) => {
                format!("{before}{}", after.split_once('"').map_or("", |(_, rest)| rest))
            }
            None => text,
        }
    }

    #[track_caller]
    pub fn multi(&self) -> Multi {
        let text = self.text();
        let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let root = document.root_element();
        assert!(root.has_tag_name((DAV, "multistatus")), "{text}");
        assert_eq!(self.header("Content-Type"), "application/xml; charset=utf-8");
        let of = |name: &'static str| {
            root.children().filter(move |child| child.has_tag_name((DAV, name)))
        };
        Multi {
            responses: of("response").map(Resource::read).collect(),
            tokens: of("sync-token").map(text_of).collect(),
        }
    }
}

fn text_of(node: Node) -> String {
    node.descendants().filter(Node::is_text).filter_map(|it| it.text()).collect()
}

#[derive(Debug)]
pub struct Multi {
    pub responses: Vec<Resource>,
    pub tokens: Vec<String>,
}

impl Multi {
    #[track_caller]
    pub fn of(&self, href: &str) -> &Resource {
        self.responses
            .iter()
            .find(|it| it.href == href)
            .unwrap_or_else(|| panic!("nothing about {href}: {:?}", self.hrefs()))
    }

    pub fn hrefs(&self) -> Vec<&str> {
        self.responses.iter().map(|it| it.href.as_str()).collect()
    }

    #[track_caller]
    pub fn token(&self) -> &str {
        assert_eq!(self.tokens.len(), 1, "one token");
        &self.tokens[0]
    }

    /// The hrefs that are said to be there, and those that are not, sorted.
    pub fn changes(&self) -> (Vec<&str>, Vec<&str>) {
        let (mut there, mut gone): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
        for response in &self.responses {
            match response.status.as_deref() {
                None => there.push(response.href.as_str()),
                Some("HTTP/1.1 404 Not Found") => {
                    assert!(response.propstats.is_empty(), "{response:?}");
                    gone.push(response.href.as_str());
                }
                Some(_) => {}
            }
        }
        there.sort_unstable();
        gone.sort_unstable();
        (there, gone)
    }
}

#[derive(Debug)]
pub struct Resource {
    pub href: String,
    pub status: Option<String>,
    pub error: Option<String>,
    pub propstats: Vec<(String, Vec<Property>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    pub ns: String,
    pub name: String,
    /// All text in it.
    pub text: String,
    /// Namespace and name of the elements in it, with their attributes.
    pub inside: Vec<String>,
}

impl Resource {
    fn read(node: Node) -> Resource {
        let text =
            |name: &str| node.children().find(|child| child.has_tag_name((DAV, name))).map(text_of);
        let error = node.children().find(|child| child.has_tag_name((DAV, "error")));
        let error = error.and_then(|error| error.first_element_child());
        let propstats = node.children().filter(|child| child.has_tag_name((DAV, "propstat")));
        let propstats = propstats.map(|propstat| {
            let of = |name: &str| {
                propstat.children().find(|child| child.has_tag_name((DAV, name))).unwrap()
            };
            let properties = of("prop").children().filter(Node::is_element).map(Property::read);
            (text_of(of("status")), properties.collect())
        });
        Resource {
            href: text("href").expect("a href"),
            status: text("status"),
            error: error.map(|error| error.tag_name().name().to_owned()),
            propstats: propstats.collect(),
        }
    }

    fn with(&self, status: &str) -> Vec<Property> {
        let found = self.propstats.iter().filter(|(known, _)| known == status);
        found.flat_map(|(_, properties)| properties.clone()).collect()
    }

    /// The properties with 200.
    pub fn ok(&self) -> Vec<Property> {
        self.with("HTTP/1.1 200 OK")
    }

    /// The names of those with 404.
    pub fn missing(&self) -> Vec<String> {
        self.with("HTTP/1.1 404 Not Found").into_iter().map(|it| it.name).collect()
    }

    #[track_caller]
    pub fn get(&self, ns: &str, name: &str) -> Property {
        let found = self.ok().into_iter().find(|it| it.ns == ns && it.name == name);
        found.unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }
}

impl Property {
    fn read(node: Node) -> Property {
        let tag = |node: Node| {
            let ns = match node.tag_name().namespace() {
                Some(DAV) => "D:",
                Some(CARDDAV) => "C:",
                _ => "?:",
            };
            let attributes = node.attributes().map(|it| format!(" {}={}", it.name(), it.value()));
            format!("{ns}{}{}", node.tag_name().name(), attributes.collect::<String>())
        };
        Property {
            ns: node.tag_name().namespace().unwrap_or_default().to_owned(),
            name: node.tag_name().name().to_owned(),
            text: text_of(node),
            inside: node.descendants().skip(1).filter(Node::is_element).map(tag).collect(),
        }
    }
}

/// A card with these lines between N and END.
pub fn card(uid: &str, name: &str, lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name};;;;\r\n{lines}END:VCARD\r\n"
    )
}
