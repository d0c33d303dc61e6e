//! Pictures of accounts, through the API. What happens to the pixels is tested in `picture`.

use crate::world::{Actor, Answer, World};
use base64::Engine;
use image::{DynamicImage, ImageFormat, RgbImage};
use std::io::Cursor;

const AVATAR: &str = "/api/users/avatar";

pub fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(width, height, |x, _| image::Rgb([(x % 256) as u8, 90, 200]));
    let mut bytes = Vec::new();
    DynamicImage::ImageRgb8(image).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn multipart(parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let head = format!(
            "--XX\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: text/html\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--XX--\r\n");
    body
}

fn upload(actor: &Actor, parts: &[(&str, &str, &[u8])]) -> Answer {
    let headers = [("Content-Type", "multipart/form-data; boundary=XX")];
    actor.send("PATCH", AVATAR, &headers, &multipart(parts))
}

/// The path of the avatar that an answer names.
fn path_of(user: &serde_json::Value) -> String {
    let url = user["avatar"].as_str().unwrap();
    url.strip_prefix("https://contacts.example").expect("PUBLIC_URL, whatever Host says").to_owned()
}

#[test]
fn an_admin_sets_and_removes_a_picture_and_everybody_sees_it() {
    let world = World::new();
    let root = world.admin("root");
    let nobody = world.nobody();
    let before = path_of(&root.get("/api/users/me").json());
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
        // Neither the name of the file nor its declared type counts.
        let file = picture(400, 300, format);
        let user =
            upload(&root, &[("note", "x.txt", b"hello"), ("file", "../../etc/passwd.svg", &file)]);
        let path = path_of(&user.expect(200).json());
        assert_eq!(path_of(&root.get("/api/users/me").json()), path);
        let answer = nobody.get(&path).expect(200);
        assert_eq!(answer.header("Content-Type"), "image/png");
        assert_eq!(answer.header("Cache-Control"), "public, max-age=31536000, immutable");
        assert!(answer.header("Content-Security-Policy").contains("default-src 'none'"));
        let image = image::load_from_memory(&answer.body).unwrap();
        assert_eq!((image.width(), image.height()), (256, 256));
        let tag = answer.header("ETag");
        assert!(tag.starts_with('"'), "strong: {tag}");
        let again = nobody.send("GET", &path, &[("If-None-Match", tag)], b"").expect(304);
        assert!(again.body.is_empty() && again.header("ETag") == tag);
        nobody.send("GET", &path, &[("If-None-Match", "\"other\"")], b"").expect(200);
    }
    let last = path_of(&root.get("/api/users/me").json());
    // The account's own export has it too.
    let export = root.get("/api/users/me/export").expect(200).json();
    let kept = base64::engine::general_purpose::STANDARD.encode(nobody.get(&last).body);
    assert_eq!(export["avatar_picture"], kept);
    let user = root.delete(AVATAR).expect(200).json();
    assert_eq!(path_of(&user), before);
    nobody.get(&last).expect(404);
    root.delete(AVATAR).expect(200);
}

#[test]
fn only_admins_may() {
    let world = World::new();
    let ann = world.user("ann");
    let file = picture(10, 10, ImageFormat::Png);
    upload(&ann, &[("file", "a.png", &file)]).expect(403);
    upload(&world.nobody(), &[("file", "a.png", &file)]).expect(401);
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM avatars"), 0);
    // By the row, even where the cache has not heard of a change.
    for (name, change) in [("root", "role = 'user'"), ("eve", "is_active = false")] {
        let admin = world.admin(name);
        admin.get("/api/users/me").expect(200);
        let change = format!("UPDATE users SET {change} WHERE username = '{name}'");
        world.app.db.write(|db| db.batch(&change)).unwrap();
        admin.delete(AVATAR).expect(403);
    }
}

#[test]
fn what_is_no_picture_is_refused_whatever_it_calls_itself() {
    let world = World::new();
    let root = world.admin("root");
    let png = picture(20, 20, ImageFormat::Png);
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let unsupported: [&[u8]; 6] =
        [svg, b"<!doctype html><script>", b"%PDF-1.7", b"BM......", b"", b"II*\0tiff"];
    for content in unsupported {
        upload(&root, &[("file", "a.png", content)]).expect(415);
    }
    // A page in the coat of a picture; a picture cut off; one of too many pixels by its header.
    let mut polyglot = b"GIF89a".to_vec();
    polyglot.extend_from_slice(b"=1;<script>alert(1)</script>");
    assert!([415, 422].contains(&upload(&root, &[("file", "a.gif", &polyglot)]).status));
    upload(&root, &[("file", "a.png", &png[..png.len() / 2])]).expect_faults(&["file"]);
    let mut bomb = png.clone();
    bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    upload(&root, &[("file", "a.png", &bomb)]).expect_faults(&["file"]);
    upload(&root, &[("file", "a.png", &picture(8_193, 1, ImageFormat::Png))])
        .expect_faults(&["file"]);
    upload(&root, &[("file", "a.png", &picture(8_192, 1, ImageFormat::Png))]).expect(200);
    // What hangs on behind a real picture does not come out again.
    let mut tail = png.clone();
    tail.extend_from_slice(b"<script>alert(1)</script>");
    let path = path_of(&upload(&root, &[("file", "a.png", &tail)]).expect(200).json());
    let served = world.nobody().get(&path).body;
    assert!(!String::from_utf8_lossy(&served).contains("script"));
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM avatars"), 1);
}

#[test]
fn sizes_and_shapes_of_the_body() {
    let world = World::new();
    let root = world.admin("root");
    let png = picture(20, 20, ImageFormat::Png);
    let mut just = png.clone();
    just.resize(5 * 1024 * 1024, 0);
    upload(&root, &[("file", "a.png", &just)]).expect(200);
    just.push(0);
    upload(&root, &[("file", "a.png", &just)]).expect(413);
    just.resize(6 * 1024 * 1024, 0);
    upload(&root, &[("file", "a.png", &just)]).expect(413);
    upload(&root, &[("picture", "a.png", &png)]).expect_faults(&["file"]);
    upload(&root, &[]).expect_faults(&["file"]);
    let send = |content_type: &str, body: &[u8]| {
        root.send("PATCH", AVATAR, &[("Content-Type", content_type)], body)
    };
    let body = multipart(&[("file", "a.png", &png)]);
    send("multipart/form-data; boundary=\"XX\"", &body).expect(200);
    send("Multipart/Form-Data; charset=utf-8; Boundary=XX", &body).expect(200);
    send("image/png", &png).expect(415);
    send("application/json", b"{}").expect(415);
    send("multipart/mixed; boundary=XX", &body).expect(415);
    send("multipart/form-data", &body).expect(400);
    send("multipart/form-data; boundary=", &body).expect(400);
    send(&format!("multipart/form-data; boundary={}", "x".repeat(71)), &body).expect(400);
    // Cut off anywhere, also inside the closing delimiter: never a picture.
    for end in (0..body.len() - 20).step_by(7).chain(body.len() - 20..body.len() - 2) {
        send("multipart/form-data; boundary=XX", &body[..end]).expect(400);
    }
    send("multipart/form-data; boundary=XX", &body[..body.len() - 2]).expect(200);
    for junk in [
        "",
        "--XX",
        "--XX\r\n\r\n\r\n--XX--",
        "--XX\r\nContent-Disposition: x\r\n\r\ny\r\n--XX--",
        "\r\n--XX\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n",
    ] {
        send("multipart/form-data; boundary=XX", junk.as_bytes()).expect(400);
    }
}

#[test]
fn the_default_picture_is_drawn_by_the_server_and_stays() {
    let world = World::new();
    let ann = world.user("ann.smith");
    let path = path_of(&ann.get("/api/users/me").json());
    let answer = world.nobody().get(&path).expect(200);
    assert_eq!(answer.header("Content-Type"), "image/svg+xml");
    assert!(answer.text().contains(">AS<"), "{}", answer.text());
    // An SVG that is opened by itself is a document: it may run nothing.
    assert!(answer.header("Content-Security-Policy").starts_with("default-src 'none'"));
    assert!(!answer.text().contains("script") && !answer.text().contains("href"));
    assert_eq!(answer.header("ETag"), format!("\"{}\"", path.rsplit('/').next().unwrap()));
    assert_eq!(world.nobody().get(&path).body, answer.body);
    for odd in [
        "i-a-360",
        "i-<b>-1",
        "i-abc-1",
        "i-a-01",
        "i--1",
        "x",
        "%00",
        "..%2f..%2fetc",
        "%F0%9F%94%91",
    ] {
        world.nobody().get(&format!("/avatars/{odd}")).expect(404);
    }
}

#[test]
fn many_uploads_at_once_are_all_answered_and_the_last_one_stays() {
    let world = World::new();
    let root = world.admin("root");
    let file = picture(2_000, 2_000, ImageFormat::Jpeg);
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let one = || upload(&root, &[("file", "a.jpg", &file)]).status;
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200));
    assert_eq!(world.sql::<i64>("SELECT count(*) FROM avatars"), 1);
    world.nobody().get(&path_of(&root.get("/api/users/me").json())).expect(200);
}
