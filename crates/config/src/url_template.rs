//! The upstream's address, with blanks that tokens fill.

use std::fmt;

use tollbridge_domain::is_this_machine;
use url::Url;

use crate::names::join;

/// An upstream address in parts. Blanks are only in path segments and query values, so no value
/// can change where a connection goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UrlTemplate {
    /// `ws` or `wss`.
    pub scheme: Scheme,
    /// In the form of URLs: ASCII, lower case, IPv6 in brackets.
    pub host: String,
    /// `None` is the scheme's own: 80 or 443.
    pub port: Option<u16>,
    /// From the first `/` on, as it stands in a URL.
    pub path: Vec<TextOrParam>,
    /// Names and values as they stand in a URL.
    pub query: Vec<(String, Vec<TextOrParam>)>,
}

/// `ws` or `wss`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// In the clear.
    Ws,
    /// Over TLS.
    Wss,
}

/// A piece of a path or of a query value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TextOrParam {
    /// As it stands in a URL.
    Text(String),
    /// The value of this parameter, to be percent-encoded.
    Param(String),
}

/// Why a text is not an upstream address. Never holds the text: it may have a key in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UrlTemplateError {
    /// Another scheme.
    #[error("an upstream is a ws:// or wss:// URL")]
    Scheme,
    /// Not a URL.
    #[error("the upstream's host or port cannot be read")]
    Authority,
    /// A user name or password in it.
    #[error("an upstream has no user name or password: put them under `credentials`")]
    UserInfo,
    /// A fragment.
    #[error("an upstream has no `#` part")]
    Fragment,
    /// A blank in the host, the port, or the name of a query parameter.
    #[error("placeholders are for path segments and query values only")]
    Placeholder,
    /// Something that URLs do not hold.
    #[error("the upstream has a character that must be percent-encoded, or a stray `{{` or `}}`")]
    Character,
}

impl UrlTemplate {
    /// Parses an address.
    ///
    /// # Errors
    /// Names the rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, UrlTemplateError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlTemplateError::Scheme)?;
        let scheme = match scheme {
            "ws" => Scheme::Ws,
            "wss" => Scheme::Wss,
            _ => return Err(UrlTemplateError::Scheme),
        };
        if rest.contains('#') {
            return Err(UrlTemplateError::Fragment);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (host, port) = parse_authority(scheme, authority)?;
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self {
            scheme,
            host,
            port,
            path: pieces(path)?,
            query: query.map_or_else(|| Ok(Vec::new()), parse_query)?,
        })
    }

    /// Names of the blanks, in the order of the text; one may come twice.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        let values = self.query.iter().flat_map(|(_, value)| value);
        self.path
            .iter()
            .chain(values)
            .filter_map(TextOrParam::param)
    }

    /// Names of the blanks in the path.
    pub(crate) fn path_params(&self) -> impl Iterator<Item = &str> {
        self.path.iter().filter_map(TextOrParam::param)
    }

    /// True for addresses that never leave this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_this_machine(&self.host) || self.host.ends_with(".localhost")
    }
}

impl TextOrParam {
    fn param(&self) -> Option<&str> {
        match self {
            Self::Param(name) => Some(name),
            Self::Text(_) => None,
        }
    }
}

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Ws => "ws",
            Scheme::Wss => "wss",
        };
        write!(f, "{scheme}://{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.path.iter().try_for_each(|piece| piece.fmt(f))?;
        for (index, (name, value)) in self.query.iter().enumerate() {
            write!(f, "{}{name}=", if index == 0 { '?' } else { '&' })?;
            value.iter().try_for_each(|piece| piece.fmt(f))?;
        }
        Ok(())
    }
}

impl fmt::Display for TextOrParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Param(name) => write!(f, "{{{name}}}"),
        }
    }
}

/// Leaves names and numbers to the `url` crate, which knows their every form.
fn parse_authority(
    scheme: Scheme,
    authority: &str,
) -> Result<(String, Option<u16>), UrlTemplateError> {
    if authority.contains(['{', '}']) {
        return Err(UrlTemplateError::Placeholder);
    }
    if authority.contains('@') {
        return Err(UrlTemplateError::UserInfo);
    }
    // The parser drops tabs and newlines and turns backslashes; nobody means that.
    if !authority
        .chars()
        .all(|c| c.is_alphanumeric() || "-._:[]".contains(c))
    {
        return Err(UrlTemplateError::Authority);
    }
    let scheme = match scheme {
        Scheme::Ws => "ws",
        Scheme::Wss => "wss",
    };
    let url = Url::parse(&format!("{scheme}://{authority}/"));
    let url = url.map_err(|_reason| UrlTemplateError::Authority)?;
    let host = url.host_str().ok_or(UrlTemplateError::Authority)?;
    Ok((host.to_owned(), url.port()))
}

fn parse_query(query: &str) -> Result<Vec<(String, Vec<TextOrParam>)>, UrlTemplateError> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if name.contains(['{', '}']) {
                return Err(UrlTemplateError::Placeholder);
            }
            if !is_url_text(name) {
                return Err(UrlTemplateError::Character);
            }
            Ok((name.to_owned(), pieces(value)?))
        })
        .collect()
}

fn pieces(text: &str) -> Result<Vec<TextOrParam>, UrlTemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let (before, after) = match rest.split_once('{') {
            Some((before, after)) => (before, Some(after)),
            None => (rest, None),
        };
        if !is_url_text(before) {
            return Err(UrlTemplateError::Character);
        }
        if !before.is_empty() {
            pieces.push(TextOrParam::Text(before.to_owned()));
        }
        let Some(after) = after else {
            return Ok(pieces);
        };
        let (name, after) = after.split_once('}').ok_or(UrlTemplateError::Character)?;
        if !is_param_name(name) {
            return Err(UrlTemplateError::Character);
        }
        pieces.push(TextOrParam::Param(name.to_owned()));
        rest = after;
    }
}

/// Parameter names are as bare keys of TOML, and as the mint request writes them.
pub(crate) fn is_param_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && join("", name) == name
}

/// Characters of RFC 3986 paths and queries, and whole percent-encodings.
fn is_url_text(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => {
                let mut hex = || bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit());
                hex() && hex()
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte),
        };
        if !fine {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_written_as_it_was_read() {
        for text in [
            "ws://127.0.0.1:9/echo",
            "wss://api.example.com/v1/{agent}/stream?api-version=2025-10-01&model={model}",
            "ws://[::1]:8080/",
            "wss://h.example/a%20b;c=d?x=a{b}c&y=",
        ] {
            assert_eq!(UrlTemplate::parse(text).unwrap().to_string(), text);
        }
        let parsed = UrlTemplate::parse("wss://Example.COM:443?q").unwrap();
        assert_eq!(parsed.to_string(), "wss://example.com/?q=");
    }

    #[test]
    fn a_blank_is_never_where_it_could_lead_elsewhere() {
        use UrlTemplateError::{Authority, Character, Fragment, Placeholder, Scheme, UserInfo};
        for (text, error) in [
            ("{s}://h/", Scheme),
            ("https://h/", Scheme),
            ("file:///etc/passwd", Scheme),
            ("h/path", Scheme),
            ("wss://{h}/", Placeholder),
            ("wss://h:{p}/", Placeholder),
            ("wss://h.{r}.example/", Placeholder),
            ("wss://h/?{n}=v", Placeholder),
            ("wss://u:p@h/", UserInfo),
            ("wss://h/#f", Fragment),
            ("wss:///path", Authority),
            ("wss://h:99999/", Authority),
            ("wss://h\\evil/", Authority),
            ("wss://h/a b", Character),
            ("wss://h/{a", Character),
            ("wss://h/a}", Character),
            ("wss://h/{}", Character),
            ("wss://h/{a{b}}", Character),
            ("wss://h/%zz", Character),
            ("wss://h/\r\nx", Character),
        ] {
            assert_eq!(UrlTemplate::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn only_loopback_is_loopback() {
        let is = |text| UrlTemplate::parse(text).unwrap().is_loopback();
        assert!(is("ws://127.0.0.1/") && is("ws://[::1]/") && is("ws://localhost:1/"));
        assert!(!is("ws://10.0.0.1/") && !is("ws://localhost.example/"));
    }
}
