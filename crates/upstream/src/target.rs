//! Where a session goes. The template is the operator's; values from a token and from the client
//! can fill a hole and can never leave it.

use std::{collections::BTreeMap, sync::OnceLock};

use tollbridge_domain::Secret;
use url::Url;

use crate::query::{Query, UNRESERVED, decode, encode, encode_query_text};

/// A route's address, with holes in path and query.
#[derive(Clone, Debug)]
pub struct Target {
    /// With or without TLS.
    pub scheme: Scheme,
    /// Name or address literal, as in a URL. Never has a hole.
    pub host: String,
    /// Where it is not the scheme's own.
    pub port: Option<u16>,
    /// Text as it stands in a URL, and holes.
    pub path: Vec<Part>,
    /// Names and values as they stand in a URL, values with holes.
    pub query: Vec<(String, Vec<Part>)>,
    /// Its URL once it has been made, where nothing in it ever differs.
    pub known: Known,
}

/// A [`Target`]'s URL; only the target itself can put one in.
#[derive(Clone, Debug, Default)]
pub struct Known(OnceLock<Url>);

/// With or without TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// In the clear.
    Ws,
    /// Over TLS.
    Wss,
}

/// Part of a template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Part {
    /// The operator's text.
    Text(String),
    /// A hole, by the parameter's name.
    Param(String),
}

/// Why there is no URL.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TargetError {
    /// The result would lead elsewhere in the path.
    #[error("a path segment is empty, `.` or `..` once its parameters are filled in")]
    DotSegment,
    /// An address that was fetched leads somewhere else than the template.
    #[error("the fetched address is not on the upstream's host")]
    Foreign,
    /// The template is no URL.
    #[error("the upstream's address is not a URL")]
    Malformed,
    /// A hole without a value.
    #[error("parameter `{0}` has no value")]
    Missing(String),
}

impl Target {
    /// Host, and port where it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        let port = self.port.map(|port| format!(":{port}"));
        [self.host.as_str(), port.as_deref().unwrap_or_default()].concat()
    }

    /// Fills the holes and joins the three sources of query parameters. Where a name occurs in
    /// several, the static one wins over the template's and the template's over the client's.
    /// `client_query` has passed the route's allow-list, is decoded, and has no name twice.
    ///
    /// # Errors
    /// Where a parameter is missing or would change the path's shape.
    pub fn url(
        &self,
        params: &BTreeMap<String, String>,
        client_query: &[(String, String)],
        static_query: Vec<(String, Secret<String>)>,
    ) -> Result<Url, TargetError> {
        let constant = client_query.is_empty() && static_query.is_empty() && self.is_whole();
        if let Some(url) = self.known.0.get().filter(|_| constant) {
            return Ok(url.clone());
        }
        let url = self.made(params, client_query, &static_query)?;
        if constant {
            // Two threads at once make the same one.
            let _known = self.known.0.set(url.clone());
        }
        Ok(url)
    }

    /// Whether it has no holes.
    fn is_whole(&self) -> bool {
        let values = self.query.iter().flat_map(|(_, value)| value);
        let mut parts = self.path.iter().chain(values);
        parts.all(|part| matches!(part, Part::Text(_)))
    }

    fn made(
        &self,
        params: &BTreeMap<String, String>,
        client_query: &[(String, String)],
        static_query: &[(String, Secret<String>)],
    ) -> Result<Url, TargetError> {
        let path = self.filled_path(params)?;
        let mut query = Query::default();
        for (name, value) in static_query {
            query.set(name, value.reveal());
        }
        for (name, value) in &self.query {
            query.set_raw(name, &fill(value, params, encode_query_text)?);
        }
        for (name, value) in client_query {
            query.set(name, value);
        }
        self.assemble(&path, query.as_str())
    }

    /// As [`Target::url`], from a complete address that the vendor gave out for this session: it
    /// must lead to where the template leads, and its own parameters win.
    ///
    /// # Errors
    /// Where it is no URL, or leads to another host.
    pub fn fetched_url(
        &self,
        address: &str,
        client_query: &[(String, String)],
        static_query: Vec<(String, Secret<String>)>,
    ) -> Result<Url, TargetError> {
        let mut url = Url::parse(address).map_err(|_not_a_url| TargetError::Malformed)?;
        let own = self.assemble("/", "")?;
        let same = url.scheme() == own.scheme()
            && url.host_str() == own.host_str()
            && url.port_or_known_default() == own.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none();
        if !same {
            return Err(TargetError::Foreign);
        }
        url.set_fragment(None);
        let mut query = Query::default();
        for pair in url.query().unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !name.is_empty() {
                query.set_raw(name, value);
            }
        }
        for (name, value) in &static_query {
            query.set(name, value.reveal());
        }
        for (name, value) in client_query {
            query.set(name, value);
        }
        let query = query.as_str().to_owned();
        url.set_query((!query.is_empty()).then_some(&query));
        Ok(url)
    }

    fn filled_path(&self, params: &BTreeMap<String, String>) -> Result<String, TargetError> {
        let path = rooted(fill(&self.path, params, str::to_owned)?);
        let shape = rooted(self.path.iter().map(Part::outline).collect());
        // A filled hole holds no slash, so the segments of both correspond; where they differ, the
        // token has had a say.
        let harmless = |(segment, outline): (&str, &str)| {
            segment == outline || !matches!(decode(segment).as_str(), "" | "." | "..")
        };
        if path.split('/').zip(shape.split('/')).all(harmless) {
            Ok(path)
        } else {
            Err(TargetError::DotSegment)
        }
    }

    fn assemble(&self, path: &str, query: &str) -> Result<Url, TargetError> {
        let scheme = match self.scheme {
            Scheme::Ws => "ws",
            Scheme::Wss => "wss",
        };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        let mark = if query.is_empty() { "" } else { "?" };
        let text = format!("{scheme}://{}{port}{path}{mark}{query}", self.host);
        let url = Url::parse(&text).map_err(|_not_a_url| TargetError::Malformed)?;
        // The parser removes dot segments, however they are spelled.
        if url.path().split('/').count() != path.split('/').count() {
            return Err(TargetError::DotSegment);
        }
        if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Malformed);
        }
        Ok(url)
    }
}

impl Part {
    /// The part with something harmless in place of a parameter.
    fn outline(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Param(_) => "x",
        }
    }
}

fn fill(
    parts: &[Part],
    params: &BTreeMap<String, String>,
    written: fn(&str) -> String,
) -> Result<String, TargetError> {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(&written(text)),
            Part::Param(name) => {
                let value = params
                    .get(name)
                    .ok_or_else(|| TargetError::Missing(name.clone()))?;
                out.push_str(&encode(value, UNRESERVED));
            }
        }
    }
    Ok(out)
}

fn rooted(path: String) -> String {
    if path.starts_with('/') {
        path
    } else {
        format!("/{path}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn param(name: &str) -> Part {
        Part::Param(name.to_owned())
    }

    /// `wss://api.example.com/v1/{agent}/stream?api-version=2025-10-01&model={model}`
    fn target() -> Target {
        Target {
            scheme: Scheme::Wss,
            host: "api.example.com".to_owned(),
            port: None,
            path: vec![text("/v1/"), param("agent"), text("/stream")],
            query: vec![
                ("api-version".to_owned(), vec![text("2025-10-01")]),
                ("model".to_owned(), vec![param("model")]),
            ],
            known: Known::default(),
        }
    }

    fn params(agent: &str, model: &str) -> BTreeMap<String, String> {
        [("agent", agent), ("model", model)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn holes_are_filled_and_the_rest_stays_as_written() {
        let url = target()
            .url(&params("a1", "gpt-realtime"), &[], Vec::new())
            .unwrap();
        assert_eq!(
            url.as_str(),
            "wss://api.example.com/v1/a1/stream?api-version=2025-10-01&model=gpt-realtime"
        );
    }

    #[test]
    fn a_fetched_address_stays_on_the_host_and_keeps_its_own_parameters() {
        let fetched = |address: &str| {
            let client = [pair("source", "js"), pair("SIG", "evil")];
            target().fetched_url(address, &client, Vec::new())
        };
        assert_eq!(
            fetched("wss://api.example.com/v1/c?agent=a&sig=%2Bx")
                .unwrap()
                .as_str(),
            "wss://api.example.com/v1/c?agent=a&sig=%2Bx&source=js"
        );
        for foreign in [
            "wss://evil.example/v1",
            "ws://api.example.com/v1",
            "wss://api.example.com:8443/v1",
            "wss://u@api.example.com/v1",
        ] {
            assert_eq!(fetched(foreign), Err(TargetError::Foreign), "{foreign}");
        }
        assert_eq!(fetched("nowhere"), Err(TargetError::Malformed));
    }

    #[test]
    fn a_missing_parameter_is_named() {
        let error = target().url(&BTreeMap::new(), &[], Vec::new()).unwrap_err();
        assert_eq!(error, TargetError::Missing("agent".to_owned()));
    }

    /// B30: no value leads to another host, path or query.
    #[test]
    fn a_value_stays_in_its_hole() {
        for evil in [
            "evil.example#",
            "@evil",
            "../../admin",
            "a/b",
            "a?api-key=x",
            "a&api-key=x",
            "%2e%2e",
            "a\\b",
            "[::ffff:127.0.0.1]",
            "a\r\nX-Evil: 1",
        ] {
            let url = target().url(&params(evil, evil), &[], Vec::new()).unwrap();
            assert_eq!(url.host_str(), Some("api.example.com"), "{evil}");
            assert_eq!(url.path().split('/').count(), 4, "{evil}");
            let query: Vec<_> = url.query_pairs().collect();
            assert_eq!(query.len(), 2, "{evil}");
            assert_eq!(query[1], ("model".into(), evil.into()), "{evil}");
        }
    }

    #[test]
    fn a_segment_of_dots_or_nothing_is_refused() {
        for evil in [".", "..", ""] {
            let error = target()
                .url(&params(evil, "m"), &[], Vec::new())
                .unwrap_err();
            assert_eq!(error, TargetError::DotSegment, "{evil:?}");
        }
        let mut half = target();
        half.path = vec![text("/v1/."), param("agent")];
        assert!(half.url(&params(".", "m"), &[], Vec::new()).is_err());
        assert!(
            half.url(&params("well-known", "m"), &[], Vec::new())
                .is_ok()
        );
    }

    /// B31, U2: what the operator set, the client cannot change.
    #[test]
    fn the_operators_values_win() {
        let client = [
            pair("model", "other"),
            pair("API-KEY", "stolen"),
            pair("client-request-id", "a b&c"),
        ];
        let credentials = vec![("api-key".to_owned(), Secret::new("k/1+2=".to_owned()))];
        let url = target()
            .url(&params("a1", "m"), &client, credentials)
            .unwrap();
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(url.query_pairs().count(), 4);
        assert_eq!(query["model"], "m");
        assert_eq!(query["api-key"], "k/1+2=");
        assert_eq!(query["client-request-id"], "a b&c");
    }

    #[test]
    fn a_target_without_query_has_no_question_mark() {
        let bare = Target {
            scheme: Scheme::Ws,
            host: "127.0.0.1".to_owned(),
            port: Some(9001),
            path: Vec::new(),
            query: Vec::new(),
            known: Known::default(),
        };
        let url = |client: &[_], secret| bare.url(&BTreeMap::new(), client, secret);
        let plain = || url(&[], Vec::new()).unwrap();
        assert_eq!(plain().as_str(), "ws://127.0.0.1:9001/");
        // Once it is known, others still differ from it.
        let asked = url(&[pair("q", "1")], Vec::new()).unwrap();
        assert_eq!(asked.as_str(), "ws://127.0.0.1:9001/?q=1");
        let secret = vec![("k".to_owned(), Secret::new("s".to_owned()))];
        assert_eq!(
            url(&[], secret).unwrap().as_str(),
            "ws://127.0.0.1:9001/?k=s"
        );
        assert_eq!(plain().as_str(), "ws://127.0.0.1:9001/");
    }

    proptest! {
        #[test]
        fn no_value_whatever_changes_the_shape(agent in ".*", model in ".*", extra in ".*") {
            let client = [pair("q", &extra)];
            if let Ok(url) = target().url(&params(&agent, &model), &client, Vec::new()) {
                prop_assert_eq!(url.host_str(), Some("api.example.com"));
                prop_assert_eq!(url.path().split('/').count(), 4);
                let query: Vec<_> = url.query_pairs().into_owned().collect();
                prop_assert_eq!(&query[1].1, &model);
                prop_assert_eq!(&query[2].1, &extra);
                prop_assert_eq!(query.len(), 3);
            }
        }
    }
}
