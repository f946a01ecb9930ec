//! The settings: load them, check them, show them, document them.
//!
//! One TOML file with the environment on top. Every mistake is found in one run and named with
//! file, line and column. How a text becomes [`Settings`]:
//!
//! 1. `syntax` parses the file and steps over lines that are not TOML,
//! 2. `structure` and `environment` compare each layer with the `schema` table: unknown keys,
//!    wrong types, things that are not built yet; both note where each key came from,
//! 3. `layers` merges defaults, file and environment with the `config` crate,
//! 4. `sections` read the merged tree into types, `rules` looks at what spans sections.
//!
//! The `schema` table is the only list of keys: suggestions, defaults and the reference come
//! from it.

mod carrier_template;
mod certificate;
mod environment;
mod json_pointer;
mod layers;
mod load;
mod names;
mod places;
mod preset;
mod problem;
mod reader;
mod reference;
mod rules;
mod schema;
mod secret_ref;
mod sections;
mod settings;
mod show;
mod structure;
mod syntax;
mod units;
mod url_template;
mod value_template;
mod vendors;

pub use rustls::{RootCertStore, sign::CertifiedKey};

pub use self::{
    carrier_template::{NamedCarrier, SubprotocolCarrier},
    certificate::{Certificate, CertificateError, TlsFile},
    environment::environment,
    json_pointer::JsonPointer,
    load::{Loaded, load, parse},
    preset::{Preset, Sdk},
    problem::{Problem, Problems, Severity},
    reference::reference,
    secret_ref::{SecretError, SecretRef, SecretRefError},
    settings::{
        Admin, Algorithm, AnswerSubject, Caller, CallerKind, Carriers, CertificateName,
        Compression, Coordination, Credentials, Fetch, Hook, IdleCounts, IntrospectionCaller,
        JwtCaller, Keys, Limits, Log, LogFormat, MessageCarrier, Origins, Param, Refuse, Route,
        Rule, Server, Settings, Sign, Store, SubrequestCaller, Tls, Tokens, Yields,
    },
    url_template::{Scheme, TextOrParam, UrlTemplate, UrlTemplateError},
    value_template::{Part, ValueTemplate, ValueTemplateError},
    vendors::vendors,
};
