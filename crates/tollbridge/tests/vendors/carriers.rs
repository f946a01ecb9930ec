//! Every way in which a preset's clients may bring a token, read from the preset's own file.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tollbridge_testkit::Handshake;

/// A subprotocol that is nobody's credential: browsers want one of theirs back.
const PLAIN: &str = "app.v1";

/// A parameter that no route lets pass, whose value must be in no log either.
const STRAY: &str = "stray=unlisted-query-value-4be1";

/// One way to bring a token.
pub(crate) struct Carrier {
    /// What it is, for messages.
    pub(crate) what: String,
    way: Way,
}

enum Way {
    Query { name: String, form: String },
    Header { name: String, form: String },
    Protocol { form: String },
    Pair { herald: String },
    Message { field: String },
}

impl Carrier {
    /// All of a preset, and the header that every route reads.
    pub(crate) fn all(route: &toml::Table) -> Vec<Self> {
        let bearer = Way::Header {
            name: "Authorization".to_owned(),
            form: "Bearer {token}".to_owned(),
        };
        let mut all = vec![Self::new("bearer", bearer)];
        let none = toml::Table::new();
        let carriers = route.get("carriers").and_then(toml::Value::as_table);
        let carriers = carriers.unwrap_or(&none);
        for (kind, value) in carriers {
            if let Some(message) = value.as_table() {
                let field = message["field"].as_str().unwrap().to_owned();
                all.push(Self::new("message", Way::Message { field }));
                continue;
            }
            for entry in value.as_array().unwrap() {
                let text = entry.as_str().unwrap();
                all.push(Self::new(&format!("{kind} {text}"), way(kind, text)));
            }
        }
        all
    }

    fn new(what: &str, way: Way) -> Self {
        let what = what.to_owned();
        Self { what, way }
    }

    /// The handshake of somebody who brings this token so, offering these subprotocols too.
    pub(crate) fn handshake(&self, path: &str, token: &str, offered: &[&str]) -> Handshake {
        let path = format!("{path}?{STRAY}");
        let own = match offered {
            [] => &[PLAIN],
            offered => offered,
        };
        let offer = |mut first: Vec<String>| {
            first.extend(own.iter().map(|&it| it.to_owned()));
            let list: Vec<&str> = first.iter().map(String::as_str).collect();
            Handshake::to(&path).protocols(&list)
        };
        let filled = |form: &str| {
            let inner = URL_SAFE_NO_PAD.encode(token);
            form.replace("{token}", token)
                .replace("{base64url}", &inner)
        };
        match &self.way {
            Way::Query { name, form } => {
                let value = percent_encoded(&filled(form));
                let handshake = Handshake::to(&format!("{path}&{name}={value}"));
                match offered {
                    [] => handshake,
                    offered => handshake.protocols(offered),
                }
            }
            Way::Header { name, form } => offer(Vec::new()).header(name, &filled(form)),
            Way::Protocol { form } => offer(vec![filled(form)]),
            Way::Pair { herald } => offer(vec![herald.clone(), token.to_owned()]),
            Way::Message { .. } => offer(Vec::new()),
        }
    }

    /// The client's first message, with the token where this carrier has it.
    pub(crate) fn first(&self, mut first: Value, token: &str) -> Value {
        if let Way::Message { field } = &self.way {
            let name = field.trim_start_matches('/');
            first[name] = json!(token);
        }
        first
    }

    /// Whether the token comes after the upgrade.
    pub(crate) const fn is_late(&self) -> bool {
        matches!(self.way, Way::Message { .. })
    }
}

fn way(kind: &str, text: &str) -> Way {
    let (name, form) = match text.split_once('=') {
        Some((name, form)) => (name.to_owned(), form.to_owned()),
        None => (text.to_owned(), "{token}".to_owned()),
    };
    match kind {
        "query" => Way::Query { name, form },
        "header" => Way::Header { name, form },
        "subprotocol" => Way::Protocol {
            form: text.to_owned(),
        },
        "subprotocol_pair" => Way::Pair {
            herald: text.to_owned(),
        },
        other => panic!("a kind of carrier that this test does not know: {other}"),
    }
}

/// Text as a query value, whatever it holds.
fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
