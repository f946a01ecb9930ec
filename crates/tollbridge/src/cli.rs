//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Mints short-lived tokens and bridges browser WebSockets to APIs that only accept headers.
#[derive(Parser)]
#[command(name = "tollbridge", version, disable_version_flag = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Args, Clone)]
pub(crate) struct Common {
    /// Configuration file.
    #[arg(
        long,
        global = true,
        env = "TOLLBRIDGE_CONFIG",
        default_value = "tollbridge.toml"
    )]
    pub(crate) config: PathBuf,
    /// Print data as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Admin listener of a running server, e.g. http://127.0.0.1:9090; its key comes from
    /// `TOLLBRIDGE_ADMIN_KEY`. Without it the Unix socket beside the store is used.
    #[arg(long, global = true, env = "TOLLBRIDGE_ADMIN", value_name = "URL")]
    pub(crate) admin: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the server.
    Serve,
    /// Run everything at once on this machine: mint, bridge, an upstream and a page.
    Demo(Demo),
    /// Print a configuration to start from; without a preset, list the presets.
    Init(Init),
    /// Check the configuration and name everything that is wrong with it.
    Check,
    /// Bring the store's schema up to date.
    Migrate,
    /// Show the effective configuration, or its reference.
    #[command(subcommand)]
    Config(Config),
    /// Signing keys.
    #[command(subcommand)]
    Keys(Keys),
    /// API keys of callers and operators.
    #[command(subcommand, name = "apikey")]
    ApiKey(ApiKey),
    /// Tokens.
    #[command(subcommand)]
    Token(Token),
    /// Live sessions of the running server.
    #[command(subcommand)]
    Sessions(Sessions),
    /// Routes and their upstreams.
    #[command(subcommand)]
    Route(Routes),
    /// Tell the running server to finish its sessions and stop.
    Drain,
    /// Tell the running server to read its configuration again.
    Reload,
    /// Ask the running server whether it takes work; exit 0 if so.
    Healthcheck,
    /// Print the version.
    Version,
}

#[derive(Args)]
pub(crate) struct Demo {
    /// Where the page, the mint and the bridge listen.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Serve over TLS, with a certificate made for this run. Browsers warn of it.
    #[arg(long)]
    pub(crate) tls: bool,
    /// Do not open a browser.
    #[arg(long)]
    pub(crate) no_open: bool,
}

#[derive(Args)]
pub(crate) struct Init {
    /// The vendor.
    #[arg(long, value_name = "PRESET")]
    pub(crate) preset: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Routes {
    /// Dial a route's upstream with its real credentials, without a running server, and print what
    /// it says; exit 5 if it refuses.
    Test(RouteTest),
}

#[derive(Args)]
pub(crate) struct RouteTest {
    /// The route.
    pub(crate) name: String,
    /// Upstream parameter, `name=value`; repeat for more.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// Subprotocol to offer; repeat for more.
    #[arg(long = "protocol", value_name = "NAME")]
    pub(crate) protocols: Vec<String>,
}

#[derive(Subcommand)]
pub(crate) enum Config {
    /// The effective configuration as TOML, secrets masked.
    Show,
    /// Every key with its type, default and meaning, as Markdown.
    Docs,
    /// Every vendor for which there is a preset, as Markdown.
    Vendors,
}

#[derive(Subcommand)]
pub(crate) enum Keys {
    /// List keys with their stages and dates.
    List,
    /// Make the next key and activate it after `keys.publish_before_use`.
    Rotate {
        /// Publish it, wait two seconds, activate it.
        #[arg(long)]
        now: bool,
        /// For the audit log.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// The emergency: the key's tokens stop working everywhere within two seconds.
    Revoke {
        /// The key. Its name may begin with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// End the sessions it admitted, too.
        #[arg(long)]
        also_sessions: bool,
        /// For the audit log.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Seal every private key under another master key.
    Rewrap {
        /// File with the new master key; made if it does not exist.
        #[arg(long, value_name = "PATH")]
        new_master_key: PathBuf,
    },
    /// Stage a key pair of your own: PKCS#8 PEM, Ed25519 or P-256.
    Import {
        /// The file; `-` for standard input.
        path: PathBuf,
    },
    /// Print the public keys as a JWK set.
    Jwks,
}

#[derive(Subcommand)]
pub(crate) enum ApiKey {
    /// Make a key and print it, once.
    Create {
        /// What it is called in lists and the audit log.
        #[arg(long)]
        name: String,
        /// What it may do.
        #[arg(long)]
        scope: Scope,
        /// The `api_key` caller it belongs to; needed only where there are several.
        #[arg(long)]
        caller: Option<String>,
        /// Route it may mint for; repeat for more. Without it: every route listing the caller.
        #[arg(long = "route")]
        routes: Vec<String>,
        /// When it stops working, from now: `90d`.
        #[arg(long, value_parser = humantime::parse_duration)]
        expires_in: Option<std::time::Duration>,
    },
    /// List keys; never their text.
    List,
    /// Revoke by id or name.
    Revoke {
        /// Id or name.
        id: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Scope {
    /// Mint tokens.
    Mint,
    /// Read the admin API.
    Viewer,
    /// Everything on the admin API.
    Admin,
}

#[derive(Subcommand)]
pub(crate) enum Token {
    /// Mint without a running server; one token a line.
    Mint(Mint),
    /// Decode a token without verifying it.
    Inspect {
        /// File with the token; standard input without it.
        path: Option<PathBuf>,
    },
    /// Verify a token as the bridge would, without using it; exit 5 if it is refused.
    Verify {
        /// File with the token; standard input without it.
        path: Option<PathBuf>,
    },
}

#[derive(Args)]
pub(crate) struct Mint {
    /// The route.
    #[arg(long)]
    pub(crate) route: String,
    /// How many tokens.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) count: u32,
    /// Sessions each may open.
    #[arg(long)]
    pub(crate) uses: Option<u32>,
    /// Seconds in which each may open a session.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) redeem_within: Option<u32>,
    /// Seconds a session may last.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) max_session: Option<u32>,
    /// Whom it is for.
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// The only origin that may redeem it.
    #[arg(long)]
    pub(crate) origin: Option<String>,
    /// Upstream parameter, `name=value`; repeat for more.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// Shown in the session list and the audit log.
    #[arg(long)]
    pub(crate) label: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Sessions {
    /// List live sessions.
    List {
        /// Only of this route.
        #[arg(long)]
        route: Option<String>,
        /// Only of this subject.
        #[arg(long)]
        subject: Option<String>,
    },
    /// End one.
    Kill {
        /// The session's id.
        id: String,
        /// For the audit log.
        #[arg(long, default_value = "")]
        reason: String,
    },
}
