//! Configuration profiles for Apple's devices: where the address book is, and whose.

use crate::config::Config;
use crate::crypto;
use crate::error::Result;
use crate::model::text::escape_html as escape;
use crate::model::user::User;
use url::Url;

/// A profile with the server's address and the username. The password is asked for when it is
/// installed: an app password of the scope `carddav`.
pub fn carddav(config: &Config, user: &User) -> Result<Vec<u8>> {
    let url = Url::parse(&config.public_url).map_err(crate::error::Error::internal)?;
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(443);
    let tls = if url.scheme() == "https" { "true" } else { "false" };
    let (account, profile) = (crypto::random_uuid()?, crypto::random_uuid()?);
    let reversed = host.split('.').rev().collect::<Vec<_>>().join(".");
    let id = format!("{reversed}.contactd.{}", user.id);
    let path = format!("{}/dav/", url.path().trim_end_matches('/'));
    let string =
        |key: &str, value: &str| format!("<key>{key}</key><string>{}</string>\n", escape(value));
    let account = [
        string("PayloadType", "com.apple.carddav.account"),
        string("PayloadIdentifier", &format!("{id}.carddav")),
        string("PayloadUUID", &account),
        string("PayloadDisplayName", "Contacts"),
        string("CardDAVAccountDescription", &format!("Contacts ({host})")),
        string("CardDAVHostName", host),
        string("CardDAVUsername", &user.username),
        string("CardDAVPrincipalURL", &path),
    ]
    .concat();
    let head = [
        string("PayloadType", "Configuration"),
        string("PayloadIdentifier", &id),
        string("PayloadUUID", &profile),
        string("PayloadDisplayName", &format!("Contacts on {host}")),
    ]
    .concat();
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\"><dict>\n{head}<key>PayloadVersion</key><integer>1</integer>\n\
         <key>PayloadContent</key><array><dict>\n{account}\
         <key>PayloadVersion</key><integer>1</integer>\n\
         <key>CardDAVPort</key><integer>{port}</integer>\n\
         <key>CardDAVUseSSL</key><{tls}/>\n</dict></array>\n</dict></plist>\n"
    )
    .into_bytes())
}
