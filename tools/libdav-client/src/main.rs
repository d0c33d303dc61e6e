//! pimsync's library libdav as a client that holds a copy of the book: it follows it by sync-collection and multiget and writes
//! with `If-Match`. A wish is a line of JSON on standard input, its answer a line on standard output; `pairs.py` is who asks.

use http::Uri;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use libdav::CardDavClient;
use libdav::carddav::{FindAddressBookHomeSet, FindAddressBooks, GetAddressBookResources};
use libdav::dav::{Delete, ListResources, PutResource, SyncCollection, WebDavClient};
use libdav::sd::DiscoverableService;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use tower_http::auth::AddAuthorization;

type Any = Box<dyn Error>;
type Dav = CardDavClient<AddAuthorization<Client<HttpConnector, String>>>;

/// The card of a name, its address and its tag.
struct Card {
    etag: String,
    text: String,
}

struct Replica {
    client: Dav,
    book: String,
    token: Option<String>,
    cards: BTreeMap<String, Card>,
}

fn variable(name: &str) -> Result<String, Any> {
    std::env::var(name).map_err(|_| format!("{name} is not set").into())
}

/// Finds the book from the server's root: the well-known address, the principal, its home, the books in it.
async fn connect() -> Result<Replica, Any> {
    let wanted: Uri = variable("URL")?.parse()?;
    let (user, password) = (variable("USER")?, variable("PASSWORD")?);
    let client = Client::builder(TokioExecutor::new()).build_http();
    let client = AddAuthorization::basic(client, &user, &password);
    let (host, port) = (wanted.host().ok_or("no host")?, wanted.port_u16().unwrap_or(80));
    let base: Uri = format!("http://{host}:{port}/").parse()?;
    let mut webdav = WebDavClient::new(base, client);
    let context = webdav.find_context_path(DiscoverableService::CardDav, host, port).await?;
    webdav.base_url = context.ok_or("nothing well known")?;
    // Its own discovery is content with this address, and asks no DNS.
    let client = CardDavClient::bootstrap_via_service_discovery(webdav).await?;
    let principal = client.find_current_user_principal().await?.ok_or("no principal")?;
    let homes = client.request(FindAddressBookHomeSet::new(principal.path())).await?.home_sets;
    let home = homes.first().ok_or("no home")?;
    let books = client.request(FindAddressBooks::new(home.path())).await?.addressbooks;
    let book = books.iter().find(|it| it.href == wanted.path()).ok_or("the book is not found")?;
    if !book.supports_sync {
        return Err("the book says that it cannot sync".into());
    }
    let book = book.href.clone();
    Ok(Replica { client, book, token: None, cards: BTreeMap::new() })
}

impl Replica {
    async fn sync(&mut self) -> Result<(), Any> {
        let mut wish = SyncCollection::new(&self.book);
        if let Some(token) = &self.token {
            wish = wish.with_sync_token(token);
        }
        let news = self.client.request(wish).await?;
        for href in &news.deleted {
            self.cards.remove(href);
        }
        let hrefs: Vec<_> = news.changed.iter().map(|it| it.href.as_str()).collect();
        self.fetch(&hrefs).await?;
        self.token = Some(news.new_sync_token);
        let listed = self.client.request(ListResources::new(&self.book)).await?.resources;
        let listed: BTreeMap<_, _> = listed
            .into_iter()
            .filter(|it| !it.resource_type.is_collection)
            .map(|it| (it.href, it.etag.unwrap_or_default()))
            .collect();
        let held = self.cards.iter().map(|(href, it)| (href.clone(), it.etag.clone())).collect();
        if listed != held {
            return Err(format!("sync-collection gave {held:?}, PROPFIND {listed:?}").into());
        }
        Ok(())
    }

    async fn fetch(&mut self, hrefs: &[&str]) -> Result<(), Any> {
        if hrefs.is_empty() {
            return Ok(());
        }
        let wish = GetAddressBookResources::new(&self.book).with_hrefs(hrefs);
        for it in self.client.request(wish).await?.resources {
            let content = it.content.map_err(|status| format!("{}: {status}", it.href))?;
            self.cards.insert(it.href, Card { etag: content.etag, text: content.data });
        }
        Ok(())
    }

    async fn add(&mut self, card: &str) -> Result<(), Any> {
        let uid = card.lines().find_map(|line| line.strip_prefix("UID:")).ok_or("no UID")?;
        let href = format!("{}{uid}.vcf", self.book);
        self.client.request(PutResource::new(&href).create(card, "text/vcard")).await?;
        self.fetch(&[&href]).await
    }

    fn named(&self, name: &str) -> Result<(String, &Card), Any> {
        let line = format!("FN:{name}");
        let found = self.cards.iter().find(|(_, it)| it.text.lines().any(|it| it == line));
        let (href, card) = found.ok_or_else(|| format!("no {name}"))?;
        Ok((href.clone(), card))
    }

    async fn rename(&mut self, name: &str, new: &str) -> Result<(), Any> {
        let (href, card) = self.named(name)?;
        let text = card.text.replace(&format!("FN:{name}"), &format!("FN:{new}"));
        let wish = PutResource::new(&href).update(text.clone(), "text/vcard", card.etag.clone());
        self.client.request(wish).await?;
        if self
            .client
            .request(PutResource::new(&href).update(text, "text/vcard", "\"old\""))
            .await
            .is_ok()
        {
            return Err("an old tag was taken".into());
        }
        self.fetch(&[&href]).await
    }

    async fn delete(&mut self, name: &str) -> Result<(), Any> {
        let (href, card) = self.named(name)?;
        self.client.request(Delete::new(&href).with_etag(card.etag.clone())).await?;
        self.cards.remove(&href);
        Ok(())
    }

    async fn do_it(&mut self, wish: &Value) -> Result<Value, Any> {
        let text = |name: &str| wish[name].as_str().unwrap_or_default();
        match text("do") {
            "sync" => self.sync().await?,
            "add" => self.add(text("card")).await?,
            "rename" => self.rename(text("name"), text("new")).await?,
            "delete" => self.delete(text("name")).await?,
            "cards" => return Ok(self.cards.values().map(|it| it.text.as_str()).collect()),
            other => return Err(format!("no such wish: {other}").into()),
        }
        Ok(Value::Null)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Any> {
    let mut replica = connect().await?;
    // Read in a thread of its own, so that meanwhile the client hears which idle connections end.
    while let Some(line) = tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await? {
        let answer = match replica.do_it(&serde_json::from_str(&line?)?).await {
            Ok(value) => json!({ "ok": value }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    Ok(())
}
