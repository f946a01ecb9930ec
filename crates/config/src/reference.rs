//! The reference page, from the table of keys.

use crate::schema::{KEYS, Key, Kind, header};

/// Markdown of every key: what it takes, what it is unless set, what it is for.
#[must_use]
pub fn reference() -> String {
    let mut page = format!("{PREFACE}\n```toml\n{EXAMPLE}```\n\n## Keys\n");
    page.push_str(&rows("", "At the top of the file."));
    for key in KEYS.iter().filter(|key| is_heading(key)) {
        page.push_str(&format!("\n### `{}`\n\n{}\n", header(key.path), key.doc));
        page.push_str(&rows(key.path, ""));
    }
    page.push_str(VALUES);
    page.push_str(&unbuilt());
    page
}

/// Sections with keys of their own; maps of sections are described by what is in them.
fn is_heading(key: &Key) -> bool {
    key.kind.is_heading() && KEYS.iter().any(|other| is_row_of(other, key.path))
}

fn is_row_of(key: &Key, section: &str) -> bool {
    let parent = key.path.rsplit_once('.').map_or("", |(parent, _)| parent);
    parent == section && !key.kind.is_heading() && key.kind != Kind::Unbuilt
}

fn rows(section: &str, intro: &str) -> String {
    let mut table = String::from("\n");
    if !intro.is_empty() {
        table.push_str(&format!("{intro}\n\n"));
    }
    table.push_str("| key | takes | default | |\n|---|---|---|---|\n");
    for key in KEYS.iter().filter(|key| is_row_of(key, section)) {
        let name = key.path.rsplit('.').next().unwrap_or(key.path);
        let name = if name == "*" { "NAME" } else { name };
        let (takes, default) = (takes(key), default_of(key));
        table.push_str(&format!(
            "| `{name}` | {takes} | {default} | {} |\n",
            key.doc
        ));
    }
    table
}

fn takes(key: &Key) -> String {
    let plain = format!("{}.plain", key.path);
    let is_value = KEYS.iter().any(|other| other.path == plain);
    let described = key.kind.describe().replace('|', "\\|");
    if is_value {
        format!("{described}, or a table with `plain`")
    } else {
        described
    }
}

fn default_of(key: &Key) -> String {
    match (key.kind, key.default) {
        (_, None) => "–".to_owned(),
        (Kind::Count(..) | Kind::Flag, Some(text)) => format!("`{text}`"),
        (Kind::List(_) | Kind::Texts(_), Some(text)) => {
            let items = text.split(',').filter(|item| !item.is_empty());
            let items: Vec<_> = items.map(|item| format!("\"{item}\"")).collect();
            format!("`[{}]`", items.join(", "))
        }
        (_, Some(text)) => format!("`\"{text}\"`"),
    }
}

fn unbuilt() -> String {
    let mut list = String::from(UNBUILT);
    for key in KEYS.iter().filter(|key| key.kind == Kind::Unbuilt) {
        let path = key.path.replace('*', "NAME");
        list.push_str(&format!("- `{path}`: {}\n", key.doc));
    }
    list
}

const PREFACE: &str = "\
# Configuration

This page is generated from the program's own table of keys.

Everything is in one TOML file: `--config PATH`, else the variable `TOLLBRIDGE_CONFIG`, else
`tollbridge.toml` in the working directory. The environment goes on top. Unknown keys are errors,
in both. `tollbridge check` lists every mistake of a file in one run, with line and column.

- **Names** of routes and callers are 1 to 64 of `a-z`, `0-9`, `_` and `-`.
- **Durations and sizes** carry units: `\"250ms\"`, `\"30s\"`, `\"10m\"`, `\"1h\"`, `\"30d\"`;
  `\"512B\"`, `\"16KiB\"`, `\"1MiB\"`, `\"2GiB\"` (and `KB`, `MB`, `GB` in thousands). A bare number is an
  error.
- **Paths** that are relative start at the file's own folder.
- **Secrets** are references: `env:NAME` (a variable), `file:PATH` (read again when it changes; one
  newline at its end is not part of it), `cred:NAME` (a systemd credential). At most 64 KiB. A
  literal secret needs `allow_inline_secrets = true`.
- **Environment**: `TOLLBRIDGE__SERVER__LISTEN=0.0.0.0:8080` sets `server.listen`,
  `TOLLBRIDGE__ROUTES__VOICE__LIMITS__MAX_SESSION=30m` sets `routes.voice.limits.max_session`. Two
  underscores separate; each segment is lower-cased; lists are separated by commas and replace the
  file's; an empty variable is not set. `-` and `_` are different characters: a route called `a-b`
  is reached by a variable that has the `-` in its name, which `env` can set and shells cannot. A
  name with two underscores in a row cannot be reached at all. Names of headers find the file's
  spelling whatever the case.

## An example
";

const EXAMPLE: &str = "\
[server]
listen = \"0.0.0.0:8080\"
public_url = \"https://voice.example.com\"
trusted_proxies = [\"10.0.0.0/8\"]

[callers.backend]
type = \"api_key\"
mints_per_minute = 600

[routes.voice]
upstream = \"wss://RESOURCE.services.ai.azure.com/voice-live/realtime?api-version=2025-10-01&model={model}\"
paths = [\"/voice-live/realtime\"]
origins = [\"https://app.example.com\"]
callers = [\"backend\"]
query_allow = [\"client-request-id\"]
params.model = { default = \"gpt-realtime\", allow = [\"gpt-realtime\", \"gpt-4o\"] }

[routes.voice.credentials]
headers = { api-key = \"env:AZURE_VOICE_KEY\" }

[routes.voice.limits]
max_session = \"30m\"
sessions_per_subject = 2

[routes.dictation]
upstream = \"wss://openspeech.bytedance.com/api/v3/sauc/bigmodel_async\"
origins = [\"https://app.example.com\"]
callers = [\"backend\"]
keep_response_headers = [\"X-Tt-Logid\"]

[routes.dictation.credentials.headers]
X-Api-App-Key = \"env:DOUBAO_APP\"
X-Api-Access-Key = \"file:/run/secrets/doubao\"
X-Api-Resource-Id = { plain = \"volc.bigasr.sauc.duration\" }
X-Api-Connect-Id = \"{uuid}\"
X-Api-Sequence = { plain = \"-1\" }
";

const VALUES: &str = "
## Values of credentials

A value under `credentials.headers`, `credentials.query` or `credentials.message` is one of

| written | is |
|---|---|
| `\"env:NAME\"`, `\"file:PATH\"`, `\"cred:NAME\"` | the secret that the reference leads to |
| `\"Bearer ${env:NAME}\"` | text with a secret in it; `${file:PATH}` and `${cred:NAME}` alike |
| `\"{uuid}\"`, `\"{session_id}\"`, `\"{subject}\"` | a new random UUID for each session, its id, whom its token is for; also inside text |
| `\"{fetched}\"` | what the route's engine (`oauth2` and the like) fetched before the dial; also inside text |
| `\"\"` | nothing: takes the preset's value of this name out |
| `{ plain = \"volc.bigasr.sauc.duration\" }` | this text, which is no secret; braces mean nothing in it |
| any other string | a literal secret: an error unless `allow_inline_secrets = true` |

All are printable ASCII. Where a string has a placeholder in it, the text around is taken to be no
secret. Headers that belong to one connection (`Host`, `Connection`, `Sec-WebSocket-*`, …) cannot be
set.
";

const UNBUILT: &str = "
## Not built yet

These are refused by name: stores other than `sqlite:`; coordination other than `memory:`; and the keys

";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::parse;

    #[test]
    fn the_example_is_a_configuration_without_warnings() {
        let loaded = parse(EXAMPLE, "example", Path::new("/"), Vec::new());
        let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(loaded.warnings, []);
    }

    #[test]
    fn every_key_is_on_the_page() {
        let page = reference();
        for key in KEYS {
            let name = key.path.rsplit('.').next().unwrap();
            assert!(name == "*" || page.contains(name), "{}", key.path);
        }
    }
}
