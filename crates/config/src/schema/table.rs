//! The table of keys, in the order of the reference.

use super::{Key, Kind};

/// Every key. A name that the user chooses is `*`.
#[rustfmt::skip] // one row a line
pub(crate) const KEYS: &[Key] = &[
    flag("allow_inline_secrets", "false", "Allows literal secrets in this file. For trying things out; keep them in `env:`, `file:` or `cred:` references otherwise."),

    section("server", "The public listener and what all of it shares."),
    text("server.listen", "host:port", Some("127.0.0.1:8080"), "Address of the public listener: mint and bridge."),
    text("server.public_url", "http or https URL", None, "What the outside calls this server; `url` in minted answers is made of it (`https` gives `wss`). Without it `http://`, or `https://` with `server.tls`, and the listening address."),
    count("server.workers", 1, 1024, None, "Worker threads. Without it, the number of cores."),
    list("server.trusted_proxies", "IP networks", Some(""), "Peers whose `forwarded_header` is believed, e.g. `\"10.0.0.0/8\"`. A single address counts as a network of one."),
    text("server.forwarded_header", "header name", Some("x-forwarded-for"), "The one header that names the client's address; read from the right, from `trusted_proxies` only."),
    count("server.max_sessions", 1, MANY, Some("10000"), "Sessions open at once on this node. Each takes two file descriptors."),
    duration("server.drain_window", "20s", "On shutdown, live sessions are told and ended over this time."),
    duration("server.handshake_timeout", "5s", "Time for a client to send a complete request head; with `server.tls` also for its TLS handshake before."),
    size("server.max_body", Some("16KiB"), "Longest request body that the mint reads."),
    section("server.tls", "TLS on the public listener. Without it the listener speaks plain HTTP. The files are read again when they change."),
    text("server.tls.cert", "secret reference", None, "Required. PEM: the certificate, then the intermediate ones that lead to its authority."),
    text("server.tls.key", "secret reference", None, "Required. PEM: the certificate's private key, not encrypted (PKCS#8, SEC1 or PKCS#1)."),
    text("server.tls.client_ca", "secret reference", None, "PEM: the authorities, one or several, that vouch for callers of type `mtls`. With it the listener asks each client for a certificate and demands none; one that none of them vouches for ends the handshake."),

    section("admin", "The admin listener: console, metrics, health, admin API."),
    text("admin.listen", "host:port", Some("127.0.0.1:9090"), "Address of the admin listener. Anything but a loopback address is warned about."),

    section("store", "What must last: keys, API keys, audit, revocations."),
    text("store.url", "URL", Some("sqlite:tollbridge.db"), "`sqlite:PATH`. `postgres://` is not built yet."),

    section("coordination", "What nodes must agree on quickly: used tokens, sessions."),
    text("coordination.url", "URL", Some("memory:"), "`memory:`, for exactly one node. `redis://` is not built yet."),

    section("keys", "The keys that sign tokens."),
    choice("keys.algorithm", &["EdDSA", "ES256"], "EdDSA", "Algorithm of keys made from now on."),
    duration("keys.rotate_every", "30d", "How long a key signs before the next one takes over; `\"never\"` or `\"0s\"` leaves rotation to people."),
    duration("keys.publish_before_use", "10m", "How long a new key is published before it signs, so that caches of verifiers know it."),
    text("keys.master_key", "secret reference", Some("file:master.key"), "Seals private keys at rest: 32 bytes, base64. The file is made on first start, while the store is empty."),

    section("tokens", "What every token has in common."),
    text("tokens.issuer", "text", None, "`iss` and `aud` of every token. Without it `server.public_url`."),
    duration("tokens.redeem_within", "30s", "Time in which a token may open a session, where the mint request does not say."),
    duration("tokens.max_redeem_within", "10m", "The most that a mint request may ask for."),

    section("log", "What the program says on stderr."),
    choice("log.format", &["auto", "json", "pretty"], "auto", "`auto` is `pretty` on a terminal and `json` off it."),
    text("log.level", "filter", Some("info"), "`off`, `error`, `warn`, `info`, `debug` or `trace`, also by target: `\"info,tollbridge_relay=debug\"`."),
    unbuilt("log.file", "Logging to files."),

    unbuilt("telemetry", "OpenTelemetry traces."),
    unbuilt("otlp", "OpenTelemetry traces."),

    section("callers", "Who may mint, by name (`a-z 0-9 _ -`)."),
    section("callers.*", "One way to authenticate at the mint."),
    text("callers.*.type", "caller type", None, "Required. `\"api_key\"`: `tbk_…` keys from the store, each bound to one such caller. `\"application\"`: the application that mounts Tollbridge among its own handlers. `\"jwt\"`: tokens that an identity provider signs. `\"subrequest\"`: your application is asked whose cookie it is. `\"trusted_header\"`: a proxy says who it is. `\"introspection\"`: the issuer of an opaque token is asked (RFC 7662). `\"mtls\"`: the certificate that a client shows in the TLS handshake, by `server.tls.client_ca`."),
    count("callers.*.mints_per_minute", 1, MANY, None, "Tokens this caller may mint a minute. Without it, unlimited."),
    text("callers.*.issuer", "URL", None, "`jwt`: what `iss` must be, exactly. Without `jwks_url` its discovery document says where the keys are. `https`, or a literal loopback address."),
    text("callers.*.audience", "text", None, "`jwt`, required: what `aud` must be, or hold. `introspection`: whom the token must be for; without it, `client_id`."),
    text("callers.*.jwks_url", "URL", None, "`jwt`: where the keys are. `https`, or a literal loopback address. Without `issuer`, any `iss` is taken that they sign."),
    list("callers.*.algorithms", "algorithms", None, "`jwt`: what tokens may be signed with: `RS256`, `RS384`, `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384`, `EdDSA`. Without it, `RS256`, `ES256` and `EdDSA`."),
    text("callers.*.subject", "claim:, header:, json: or a name of the certificate", None, "Who somebody is. `jwt` and `introspection`: `\"claim:NAME\"`, a claim or a path of them parted by dots; without it, `\"claim:sub\"`. `subrequest`: `\"header:NAME\"` or `\"json:/POINTER\"` of the answer; without it, `\"header:x-user-id\"`. `trusted_header`: `\"header:NAME\"` of the request; without it, `\"header:x-auth-request-user\"`. `mtls`, required: `\"san:dns\"`, `\"san:uri\"` or `\"cn\"` of the certificate."),
    text("callers.*.groups", "header:NAME", None, "`trusted_header`: the header in which the proxy says of which groups somebody is, parted by commas; it becomes the claim `groups`. Without it, they have no claims."),
    text("callers.*.url", "http or https URL", None, "`subrequest`, required: what is asked, by GET. `introspection`, required: the endpoint; `http` on a loopback address only."),
    list("callers.*.forward_headers", "header names", None, "`subrequest`: headers that are passed on; where none of them is there, nobody is asked. Without it, `[\"cookie\"]`."),
    key("callers.*.timeout", Kind::Duration, None, "`subrequest`: how long an answer may take. Without it, 2s."),
    key("callers.*.cache_for", Kind::Duration, None, "`subrequest`, `introspection`: how long a yes is used again, and no longer than the token lasts. Without it, every mint asks."),
    text("callers.*.client_id", "text", None, "`introspection`, required: who asks."),
    text("callers.*.client_secret", "secret reference", None, "`introspection`, required: what proves it."),
    text("callers.*.ca", "path", None, "`jwt`, `subrequest`, `introspection`: PEM file of certificate authorities to trust for who is asked over `https`, besides the public ones."),
    text("callers.*.scope", "text", None, "`introspection`: scopes that the token must have, parted by blanks."),

    section("routes", "Upstreams, by name (`a-z 0-9 _ -`)."),
    section("routes.*", "One upstream and who may reach it."),
    text("routes.*.preset", "preset", None, "A vendor whose facts fill what this route does not say; see `tollbridge init --preset` and the vendors' page. An empty string in place of a credential takes the preset's out."),
    text("routes.*.upstream", "ws or wss URL", None, "Required. May hold `{name}` in path segments and query values, each declared under `params`."),
    list("routes.*.paths", "paths", Some(""), "Further literal paths that lead to this route, so that an SDK with a fixed path finds it."),
    list("routes.*.hosts", "host names", Some(""), "Hosts at which `paths` lead to this route, without a port, so that routes may share a path. Empty: any host that no other route names."),
    text("routes.*.token_prefix", "text", Some(""), "Stands in front of this route's tokens, for SDKs that insist on one: `ek_`. A token without it is taken as well."),
    list("routes.*.origins", "origins or \"*\"", None, "Required. Pages that may connect, as browsers send them (`\"https://app.example.com\"`); `[\"*\"]` is any."),
    list("routes.*.callers", "caller names", None, "Required. Callers that may mint for this route."),
    count("routes.*.max_uses", 1, MANY, Some("1"), "The most sessions one token may open; 1 is single use."),
    list("routes.*.query_allow", "parameter names", Some(""), "Query parameters of the client that are passed upstream."),
    list("routes.*.header_allow", "header names", Some(""), "Headers of the client that are passed upstream."),
    list("routes.*.keep_response_headers", "header names", Some(""), "Headers of the upstream's handshake that are logged and returned, e.g. `X-Tt-Logid`."),
    list("routes.*.subprotocols", "subprotocols", None, "Subprotocols that clients may offer. Without it, any."),
    flag("routes.*.require_origin", "false", "Refuses requests without `Origin`, as programs send them."),
    choice("routes.*.refuse", &["auto", "http", "close"], "auto", "How holders of a genuine token are refused: `auto` closes with a code where there is an `Origin`, and answers HTTP elsewhere."),
    choice("routes.*.compression", &["pass", "refuse"], "pass", "`pass` lets browser and upstream agree on permessage-deflate; `refuse` takes the offer out."),
    text("routes.*.ca", "path", None, "PEM file of certificate authorities to trust for this upstream, besides the public ones."),
    section("routes.*.params", "Blanks of the upstream URL that mint requests fill."),
    section("routes.*.params.*", "One blank: exactly one of `allow` and `pattern`."),
    text("routes.*.params.*.default", "text", None, "Value where the mint request gives none. Without it the mint request must."),
    list("routes.*.params.*.allow", "values", None, "The values there are."),
    text("routes.*.params.*.pattern", "regular expression", None, "What a value looks like, from its first character to its last."),
    section("routes.*.carriers", "Where in a request tokens travel, besides the `Authorization` header."),
    list("routes.*.carriers.query", "carriers", Some("token,access_token"), "Query parameters that carry a token: `NAME`, or `NAME=Bearer {token}` where something stands in front of it."),
    list("routes.*.carriers.header", "carriers", Some(""), "Headers that carry a token, besides `Authorization: Bearer`: `NAME`, or `authorization=Token {token}`."),
    list("routes.*.carriers.subprotocol", "carriers", Some(""), "Subprotocols with a token in them: `bearer.{token}`; `{base64url}` where the token is encoded once more."),
    list("routes.*.carriers.subprotocol_pair", "subprotocols", Some(""), "Subprotocols after which the next one of the list is the token: `bearer`."),
    section("routes.*.carriers.message", "The token in the client's first text message, a JSON object. The upgrade is accepted first and judged when the message is there; nothing is dialled before. The member is taken out before the message goes upstream."),
    text("routes.*.carriers.message.field", "JSON pointer", None, "Required. Where the token stands: `\"/api_key\"`."),
    key("routes.*.carriers.message.timeout", Kind::Duration, None, "How long the bridge waits for that message. Without it, 5s."),
    size("routes.*.carriers.message.max", None, "Longest such message, at most 1MiB. Without it, 16KiB."),
    text("routes.*.carriers.message.greeting", "JSON", None, "What the bridge says first where clients wait for the upstream to speak; the upstream's own first message is then swallowed. At most 4096 bytes."),
    section("routes.*.credentials", "What the upstream wants to see; see *Values of credentials* below."),
    flag("routes.*.credentials.replace", "false", "`true`: what is written here is instead of all of the preset's credentials, not besides them."),
    section("routes.*.credentials.headers", "Headers set on the upstream handshake, by name."),
    text("routes.*.credentials.headers.*", "value", None, "The header's value."),
    text("routes.*.credentials.headers.*.plain", "text", None, "The header's value, where it is no secret: taken as it is."),
    section("routes.*.credentials.query", "Query parameters added to the upstream URL, by name."),
    text("routes.*.credentials.query.*", "value", None, "The parameter's value; it is percent-encoded for you."),
    text("routes.*.credentials.query.*.plain", "text", None, "The parameter's value, where it is no secret: taken as it is."),
    section("routes.*.credentials.message", "Members of the client's first text message that are set to a value, by JSON pointer."),
    text("routes.*.credentials.message.*", "value", None, "The member's value."),
    text("routes.*.credentials.message.*.plain", "text", None, "The member's value, where it is no secret: taken as it is."),
    section("routes.*.credentials.oauth2", "OAuth2 client credentials (RFC 6749, 4.4): fetched before the dial, cached, renewed before they end. A 401 of the upstream renews once and dials again. The token is `{fetched}`; where no value says `{fetched}`, it goes into `Authorization: Bearer`."),
    text("routes.*.credentials.oauth2.token_url", "https URL", None, "Required. The token endpoint; `http` on a loopback address only."),
    text("routes.*.credentials.oauth2.client_id", "text", None, "Required."),
    text("routes.*.credentials.oauth2.client_secret", "secret reference", None, "Required."),
    text("routes.*.credentials.oauth2.scope", "text", None, "What for, separated by blanks."),
    text("routes.*.credentials.oauth2.audience", "text", None, "For whom, where the server wants to be told."),
    key("routes.*.credentials.oauth2.auth", Kind::Choice(&["form", "basic"]), None, "Where id and secret travel. Without it, `form`."),
    section("routes.*.credentials.azure_managed_identity", "The identity that Azure gives a machine; its token is `{fetched}` as above."),
    text("routes.*.credentials.azure_managed_identity.resource", "URL", None, "Required. Whom the token is for: `https://ai.azure.com`."),
    text("routes.*.credentials.azure_managed_identity.client_id", "text", None, "Which identity, where the machine has several."),
    text("routes.*.credentials.azure_managed_identity.endpoint", "URL", None, "The metadata service. Without it, that of Azure's machines."),
    section("routes.*.credentials.gcp_metadata", "The service account that Google Cloud gives a machine; its token is `{fetched}` as above."),
    list("routes.*.credentials.gcp_metadata.scopes", "scopes", None, "What for. Without it, what the machine may."),
    text("routes.*.credentials.gcp_metadata.endpoint", "URL", None, "The metadata service. Without it, that of Google's machines."),
    section("routes.*.credentials.gcp_service_account", "A service account's key file (RFC 7523); its token is `{fetched}` as above."),
    text("routes.*.credentials.gcp_service_account.key", "secret reference", None, "Required. The JSON file that Google gives out."),
    text("routes.*.credentials.gcp_service_account.scope", "text", None, "Without it, `https://www.googleapis.com/auth/cloud-platform`."),
    text("routes.*.credentials.gcp_service_account.token_url", "https URL", None, "The token endpoint. Without it, what the key file says."),
    section("routes.*.credentials.token_url", "A REST call before the dial, whose JSON answer holds a token or the address to dial."),
    text("routes.*.credentials.token_url.url", "https URL", None, "Required. `http` on a loopback address only."),
    key("routes.*.credentials.token_url.method", Kind::Choice(&["GET", "POST"]), None, "Without it, `POST` where there is a `body`, else `GET`."),
    section("routes.*.credentials.token_url.headers", "Headers of the call, by name."),
    text("routes.*.credentials.token_url.headers.*", "value", None, "The header's value."),
    text("routes.*.credentials.token_url.headers.*.plain", "text", None, "The header's value, where it is no secret: taken as it is."),
    text("routes.*.credentials.token_url.body", "JSON", None, "Body of the call."),
    text("routes.*.credentials.token_url.token", "JSON pointer", None, "Where the answer holds the token, which is then `{fetched}`. This or `upstream_url`."),
    text("routes.*.credentials.token_url.upstream_url", "JSON pointer", None, "Where the answer holds the address to dial; it must be on the host of `upstream`."),
    text("routes.*.credentials.token_url.expires_in", "JSON pointer", None, "Where the answer says for how many seconds it is good."),
    key("routes.*.credentials.token_url.cache_for", Kind::Duration, None, "How long an answer is used again. Without it every dial asks."),
    section("routes.*.credentials.token_command", "A program that prints the token, which is then `{fetched}`."),
    list("routes.*.credentials.token_command.command", "program and arguments", None, "Required. Started without a shell, with `PATH` and `HOME` and no other variable."),
    key("routes.*.credentials.token_command.timeout", Kind::Duration, None, "How long it may take. Without it, 10s."),
    key("routes.*.credentials.token_command.cache_for", Kind::Duration, None, "How long its answer is used again. Without it, 5m."),
    section("routes.*.credentials.hmac_url", "The address is signed for each dial with HMAC-SHA256, as iFlytek wants it."),
    text("routes.*.credentials.hmac_url.key", "secret reference", None, "Required. `APIKey`."),
    text("routes.*.credentials.hmac_url.secret", "secret reference", None, "Required. `APISecret`."),
    section("routes.*.credentials.sigv4", "The address is presigned for each dial, as AWS wants it. Only the address: an upstream that wants every event signed needs more."),
    text("routes.*.credentials.sigv4.region", "text", None, "Required."),
    text("routes.*.credentials.sigv4.service", "text", None, "Required. `execute-api`, for one."),
    text("routes.*.credentials.sigv4.access_key_id", "secret reference", None, "Required."),
    text("routes.*.credentials.sigv4.secret_access_key", "secret reference", None, "Required."),
    text("routes.*.credentials.sigv4.session_token", "secret reference", None, "Of a temporary key."),
    key("routes.*.credentials.sigv4.expires", Kind::Duration, None, "How long the address is good, at most 5m. Without it, 1m."),
    section("routes.*.hook", "Your own server, which is asked before each session whether it may begin. No answer is no. See [connect hook](hook.md)."),
    text("routes.*.hook.url", "https URL", None, "Required. Asked by POST; `http` on a literal loopback or private address only."),
    text("routes.*.hook.secret", "secret reference", None, "Required. Signs the questions as Standard Webhooks has it: at least 16 bytes, or `whsec_` and base64."),
    key("routes.*.hook.timeout", Kind::Duration, None, "How long an answer may take, at most 10s. Without it, 2s."),
    section("routes.*.limits", "What one session, and all of them, may take."),
    duration("routes.*.limits.max_session", "1h", "How long a session lasts at most."),
    duration("routes.*.limits.idle_timeout", "10m", "A session in which neither side sends anything for so long is ended."),
    optional_duration("routes.*.limits.client_idle_timeout", "A session in which the client sends nothing for so long is ended. Without it, or with `\"0s\"`, off."),
    optional_duration("routes.*.limits.upstream_idle_timeout", "A session in which the upstream sends nothing for so long is ended. Without it, or with `\"0s\"`, off."),
    choice("routes.*.limits.idle_counts", &["data", "control"], "data", "What breaks a silence: `data` is data frames; `control` is the peers' own pings and pongs as well, never the bridge's."),
    size("routes.*.limits.max_frame", Some("64MiB"), "Longest frame, judged by its header."),
    size("routes.*.limits.max_message", Some("64MiB"), "Longest message, over all its frames, as on the wire."),
    count("routes.*.limits.max_fragments", 0, MANY, Some("16384"), "Most frames of one message; 0 is unlimited."),
    count("routes.*.limits.sessions", 1, MANY, None, "Sessions open at once on this route. Without it, unlimited."),
    count("routes.*.limits.sessions_per_subject", 1, MANY, None, "Sessions open at once for one subject. Without it, unlimited."),
    size("routes.*.limits.bytes_per_session", None, "Payload bytes of one session, both ways together. Without it, unlimited."),
    count("routes.*.limits.connects_per_minute", 1, MANY, None, "Connections a minute, counted per subject and per address. Without it, unlimited."),
    duration("routes.*.limits.connect_timeout", "10s", "Time for name lookup, TCP, TLS and the upstream's answer."),
    duration("routes.*.limits.write_timeout", "30s", "A peer that takes nothing for so long is given up."),
    duration("routes.*.limits.ping_interval", "25s", "Pings of the bridge towards the client; `\"0s\"` is off."),
    optional_duration("routes.*.limits.pong_timeout", "How long after a ping the client may be silent before it counts as gone. Without it, as long as `ping_interval`."),
    optional_duration("routes.*.limits.upstream_ping_interval", "Pings of the bridge towards the upstream. Without it, or with `\"0s\"`, off: some upstreams never answer one."),
    optional_duration("routes.*.limits.upstream_pong_timeout", "How long after a ping the upstream may be silent before it counts as lost. Without it, as long as `upstream_ping_interval`."),
    unbuilt("routes.*.adapter", "Adapters."),
    key("routes.*.allow", Kind::Tables, None, "A rule: who may mint for this route, with which ceilings. Each has a header of its own, in double brackets. The first that fits decides; where there are rules and none fits, the mint is 403. Without any, every one of `callers` may mint. See [policy](policy.md)."),
    text("routes.*.allow.caller", "caller name", None, "One of the route's `callers`. Without it, any of them."),
    key("routes.*.allow.max_session", Kind::Duration, None, "The most that a mint may ask for, and what it gets where it asks for none; at most `limits.max_session`."),
    count("routes.*.allow.uses", 1, MANY, None, "The most that a mint may ask for; at most `max_uses`."),
    section("routes.*.allow.claim", "Claims that must all fit, by name or by path: `claim.role = \"doctor\"`, `claim.\"realm_access.roles\" = [\"voice\", \"admin\"]`."),
    key("routes.*.allow.claim.*", Kind::Texts("values"), None, "Values that fit. A claim fits that is one of them, or a list with one of them in it; `scope` is taken word by word."),
    section("routes.*.allow.params", "Shorter lists for declared parameters: `params.model = [\"gpt-4o\"]`."),
    list("routes.*.allow.params.*", "values", None, "The values there are under this rule. A default that is not one of them has to be asked for: it is not replaced."),
];

/// More than anybody has, and within 32 bits.
const MANY: i64 = u32::MAX as i64;

const fn section(path: &'static str, doc: &'static str) -> Key {
    key(path, Kind::Section, None, doc)
}

const fn text(
    path: &'static str,
    sort: &'static str,
    default: Option<&'static str>,
    doc: &'static str,
) -> Key {
    key(path, Kind::Text(sort), default, doc)
}

const fn list(
    path: &'static str,
    sort: &'static str,
    default: Option<&'static str>,
    doc: &'static str,
) -> Key {
    key(path, Kind::List(sort), default, doc)
}

const fn duration(path: &'static str, default: &'static str, doc: &'static str) -> Key {
    key(path, Kind::Duration, Some(default), doc)
}

/// A duration of something that is off, or as long as something else, where it is not written.
const fn optional_duration(path: &'static str, doc: &'static str) -> Key {
    key(path, Kind::Duration, None, doc)
}

const fn size(path: &'static str, default: Option<&'static str>, doc: &'static str) -> Key {
    key(path, Kind::Size, default, doc)
}

const fn flag(path: &'static str, default: &'static str, doc: &'static str) -> Key {
    key(path, Kind::Flag, Some(default), doc)
}

const fn count(
    path: &'static str,
    least: i64,
    most: i64,
    default: Option<&'static str>,
    doc: &'static str,
) -> Key {
    key(path, Kind::Count(least, most), default, doc)
}

const fn choice(
    path: &'static str,
    words: &'static [&'static str],
    default: &'static str,
    doc: &'static str,
) -> Key {
    key(path, Kind::Choice(words), Some(default), doc)
}

const fn unbuilt(path: &'static str, doc: &'static str) -> Key {
    key(path, Kind::Unbuilt, None, doc)
}

const fn key(
    path: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    doc: &'static str,
) -> Key {
    Key {
        path,
        kind,
        default,
        doc,
    }
}
