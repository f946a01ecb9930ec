//! Presets: what is known of a vendor, as a route with blanks left for the user.
//!
//! Each is a TOML file in `presets/`: `[route]` holds the keys of a route as a user would write
//! them, `[init]` what only the user can know, `[about]` what the vendors' page says.

use std::sync::LazyLock;

use serde::Deserialize;
use toml::{Table, Value};

use crate::names::did_you_mean;

/// One vendor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What it is called in `preset = "…"`.
    #[serde(skip)]
    name: &'static str,
    /// What people should know.
    pub about: About,
    /// Lines for the user to edit.
    #[serde(default)]
    pub(crate) init: Table,
    /// What fills a route's blanks.
    pub(crate) route: Table,
}

/// What people should know of a vendor, and of how much of it was tried.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Vendor and product.
    pub title: String,
    /// What it is for.
    pub summary: String,
    /// Pages of the vendor.
    #[serde(default)]
    pub docs: Vec<String>,
    /// Whether our tests run against a stand-in as strict as the vendor's documents.
    pub stand_in: bool,
    /// What the vendor takes as a credential, and where.
    pub credential: String,
    /// What the vendor says of the length of sessions and the size of messages.
    pub session: String,
    /// What our tests show.
    pub verified: String,
    /// What they do not, and why.
    pub not_verified: String,
    /// The vendor's own software.
    #[serde(default)]
    pub sdk: Vec<Sdk>,
}

/// A piece of the vendor's own software.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sdk {
    /// The package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `browser`, `node` or `python`.
    pub language: String,
    /// What a developer changes.
    pub lines: String,
    /// Where it puts the token.
    pub carrier: String,
    /// Whether a test of ours runs it through the bridge.
    pub tested: bool,
    /// What is odd about it.
    #[serde(default)]
    pub notes: String,
}

impl Preset {
    /// Every preset, by name.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        PRESETS.iter()
    }

    /// The preset of this name.
    ///
    /// # Errors
    /// Suggests the nearest name where there is none.
    pub fn find(name: &str) -> Result<&'static Self, String> {
        Self::all()
            .find(|preset| preset.name == name)
            .ok_or_else(|| {
                let near = did_you_mean(name, Self::all().map(|preset| preset.name));
                let near = near.unwrap_or_else(|| "`tollbridge init` lists them".to_owned());
                format!("there is no preset {name:?}: {near}")
            })
    }

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What fills a route's blanks.
    pub(crate) const fn route(&self) -> &Table {
        &self.route
    }

    /// A configuration with one route of this preset, complete but for what only the user can
    /// know.
    #[must_use]
    pub fn starter(&self) -> String {
        let mut page = format!(
            "# {}: {}\n\
             # Check it with `tollbridge check`, see all of it with `tollbridge config show`.\n\
             \n\
             [server]\n\
             listen = \"127.0.0.1:8080\"\n\
             # public_url = \"https://voice.example.com\"   # what browsers call this server\n\
             \n\
             [callers.backend]\n\
             type = \"api_key\"                            # tollbridge apikey create --name backend --scope mint\n\
             \n\
             [routes.{}]\n\
             preset = {}\n\
             origins = [\"http://localhost:3000\"]         # pages that may connect\n\
             callers = [\"backend\"]\n",
            self.about.title,
            one_line(&self.about.summary),
            self.name,
            Value::from(self.name),
        );
        page.push_str(self.yours());
        if !page.ends_with('\n') {
            page.push('\n');
        }
        page.push_str(&self.credentials_hint());
        page
    }

    /// The lines of `[init]` as they stand, with what is said of them.
    pub(crate) fn yours(&self) -> &'static str {
        let text = FILES.iter().find(|(name, _)| *name == self.name);
        text.and_then(|(_, text)| text.split_once("\n[init]\n"))
            .and_then(|(_, rest)| rest.split_once("\n[route"))
            .map_or("", |(lines, _)| lines)
    }

    /// Where the preset looks for the vendor's key, as comments to uncomment.
    fn credentials_hint(&self) -> String {
        let credentials = self.route.get("credentials").and_then(Value::as_table);
        let headers = credentials.and_then(|table| table.get("headers")?.as_table());
        let mut lines = String::new();
        for (name, value) in headers.into_iter().flatten() {
            if value.as_str().is_some_and(|text| text.contains("env:")) {
                let name = crate::names::join("", name);
                lines.push_str(&format!("# {name} = {value}\n"));
            }
        }
        if lines.is_empty() {
            return lines;
        }
        format!(
            "\n# [routes.{}.credentials.headers]               # the preset reads the vendor's key from here; file:PATH works too\n{lines}",
            self.name
        )
    }
}

/// Takes out of a preset's lines what the user's own lines replace. What is left lies under them,
/// key by key. A line of the user's that only takes one out is gone after that.
pub(crate) fn give_way(route: &mut Table, written: &mut Table) {
    let theirs = |section: &str| {
        let table = written.get(section).and_then(Value::as_table);
        table.cloned().unwrap_or_default()
    };
    if let Some(params) = route.get_mut("params").and_then(Value::as_table_mut) {
        // What a parameter may be is said by one of the two, as a whole.
        let params_written = theirs("params");
        params.retain(|name, _| {
            let own = params_written.get(name).and_then(Value::as_table);
            !own.is_some_and(|own| own.contains_key("allow") || own.contains_key("pattern"))
        });
    }
    let engines = theirs("credentials");
    let ours = route.get("credentials").and_then(Value::as_table);
    let another = |name: &String| {
        ENGINES.contains(&name.as_str()) && !ours.is_some_and(|ours| ours.contains_key(name))
    };
    let replaced = engines.get("replace").and_then(Value::as_bool) == Some(true);
    if replaced || engines.keys().any(another) {
        // An engine of the user's own is instead of the preset's credentials, not besides.
        route.remove("credentials");
    }
    for section in ["headers", "query", "message"] {
        let own = written
            .get_mut("credentials")
            .and_then(|credentials| credentials.get_mut(section)?.as_table_mut());
        let Some(own) = own else { continue };
        let lines = route
            .get_mut("credentials")
            .and_then(|credentials| credentials.get_mut(section)?.as_table_mut());
        if let Some(lines) = lines {
            lines.retain(|name, _| !own.keys().any(|it| it.eq_ignore_ascii_case(name)));
        }
        own.retain(|_, value| value.as_str() != Some(""));
    }
}

/// Credentials that are fetched or signed: one of them is all of a route's.
const ENGINES: &[&str] = &[
    "oauth2",
    "azure_managed_identity",
    "gcp_metadata",
    "gcp_service_account",
    "token_url",
    "token_command",
    "hmac_url",
    "sigv4",
];

/// `a.b = "c"`, a line a value.
pub(crate) fn flat(page: &mut String, path: &str, value: &Value) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                flat(page, &crate::names::join(path, key), value);
            }
        }
        value => page.push_str(&format!("{path} = {value}\n")),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| FILES.iter().map(read).collect());

#[expect(
    clippy::expect_used,
    reason = "the files are part of the program; a test reads every one of them"
)]
fn read(&(name, text): &(&'static str, &str)) -> Preset {
    let preset: Preset = toml::from_str(text).expect("a preset of ours is well-formed");
    Preset { name, ..preset }
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../presets/", $name, ".toml")))),*]
    };
}

/// Name and text of each.
const FILES: &[(&str, &str)] = files![
    "assemblyai",
    "azure-openai-realtime",
    "azure-openai-realtime-preview",
    "azure-voice-live",
    "cartesia",
    "dashscope-realtime",
    "deepgram",
    "doubao-asr",
    "elevenlabs-agents",
    "elevenlabs-stt",
    "gemini-live",
    "generic",
    "home-assistant",
    "iflytek-iat",
    "kubernetes-exec",
    "minimax-tts",
    "mistral-realtime",
    "openai-realtime",
    "openai-responses",
    "soniox",
    "speechmatics",
    "vertex-live",
    "xai-realtime",
];
