//! The address that people type: the set-up link shows it, and pages that were loaded from it may connect.

use std::fmt;
use std::str::FromStr;

use axum::http::Uri;

/// `https://chat.example.com`: a scheme, a host and maybe a port, as a browser writes an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    host: String,
}

impl PublicUrl {
    /// Whether it is encrypted on the way.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.https
    }

    /// Host, and port unless it is the usual one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host)
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let whole = || "write it as https://chat.example.com".to_owned();
        let uri: Uri = text.parse().map_err(|_| whole())?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(whole()),
        };
        let authority = uri.authority().ok_or_else(whole)?;
        if authority.as_str().contains('@') {
            return Err("leave out the name and the password".to_owned());
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(
                "leave out what stands behind the host: the client is at its root".to_owned(),
            );
        }
        let usual = if https { 443 } else { 80 };
        let host = authority.host().to_lowercase();
        Ok(Self {
            https,
            host: match authority.port_u16().filter(|port| *port != usual) {
                Some(port) => format!("{host}:{port}"),
                None => host,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_a_browser_writes_an_origin() {
        for (text, origin) in [
            ("https://Chat.Example.com/", "https://chat.example.com"),
            ("https://chat.example.com:443", "https://chat.example.com"),
            ("http://10.0.0.5:8080", "http://10.0.0.5:8080"),
            ("http://[::1]:80/", "http://[::1]"),
        ] {
            let url: PublicUrl = text.parse().expect(text);
            assert_eq!(url.to_string(), origin);
        }
    }

    #[test]
    fn what_is_no_such_address_is_refused_with_a_reason() {
        for (text, why) in [
            ("chat.example.com", "write it as"),
            ("ftp://chat.example.com", "write it as"),
            ("", "write it as"),
            ("https://me:secret@chat.example.com", "leave out the name"),
            (
                "https://chat.example.com/chat",
                "leave out what stands behind",
            ),
            (
                "https://chat.example.com/?a",
                "leave out what stands behind",
            ),
        ] {
            let said = text.parse::<PublicUrl>().expect_err(text);
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
