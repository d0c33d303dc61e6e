//! The description of the API, for programs and for people. The page is ours, so that it needs
//! nothing from anywhere: it reads `/openapi.json` and shows it.

use crate::context::Call;
use crate::crypto;
use crate::error::{Error, Result};
use crate::http::{self, Reply};
use crate::openapi;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::sync::LazyLock;

/// Scripts and styles from here only, none inline, and requests to this server only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; \
    frame-ancestors 'none'";
/// A new version of the program is seen after this time at the latest.
const A_WHILE: &str = "public, max-age=300";

/// A text that is the same as long as the process lives.
struct Asset {
    content_type: &'static str,
    text: &'static str,
    gzipped: Vec<u8>,
    tag: String,
}

impl Asset {
    fn new(content_type: &'static str, text: &'static str) -> Result<Asset> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let gzipped = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish());
        let gzipped = gzipped.map_err(Error::internal)?;
        let tag = format!("\"{:.16}\"", crypto::sha256_hex(text.as_bytes()));
        Ok(Asset { content_type, text, gzipped, tag })
    }

    fn answer(&self, call: &Call) -> Reply {
        let known = http::none_match_names(call, &self.tag);
        let zips = call.header("Accept-Encoding").is_some_and(http1::accepts_gzip);
        let reply = match (known, zips) {
            (true, _) => Reply::not_modified(),
            (false, true) => Reply::bytes(self.content_type, self.gzipped.clone())
                .with("Content-Encoding", "gzip"),
            (false, false) => Reply::bytes(self.content_type, self.text),
        };
        // A weak tag: it names the text, zipped or not.
        reply
            .with("ETag", format!("W/{}", self.tag))
            .with("Cache-Control", A_WHILE)
            .with("Vary", "Accept-Encoding")
    }
}

type Lazy = LazyLock<Result<Asset>>;

fn answer(asset: &'static Lazy, call: &Call) -> Result<Reply> {
    match &**asset {
        Ok(asset) => Ok(asset.answer(call)),
        Err(error) => Err(Error::internal(error)),
    }
}

/// `GET /openapi.json`
pub fn description(call: &Call) -> Result<Reply> {
    static ASSET: Lazy = LazyLock::new(|| Asset::new("application/json", openapi::document()));
    answer(&ASSET, call)
}

/// `GET /docs`
pub fn page(_: &Call) -> Result<Reply> {
    let page = include_str!("../../assets/docs.html");
    Ok(Reply::html(page.to_owned())
        .with("Content-Security-Policy", POLICY)
        .with("Cache-Control", A_WHILE))
}

/// `GET /docs.js`
pub fn script(call: &Call) -> Result<Reply> {
    static ASSET: Lazy = LazyLock::new(|| {
        Asset::new("text/javascript; charset=utf-8", include_str!("../../assets/docs.js"))
    });
    answer(&ASSET, call)
}

/// `GET /docs.css`
pub fn style(call: &Call) -> Result<Reply> {
    static ASSET: Lazy = LazyLock::new(|| {
        Asset::new("text/css; charset=utf-8", include_str!("../../assets/docs.css"))
    });
    answer(&ASSET, call)
}
