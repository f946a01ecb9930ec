//! A team's own decision at the last moment: before a use of a token is taken, the route's
//! [`Hook`] asks the team's server, in a question signed as
//! [Standard Webhooks](https://www.standardwebhooks.com) has it.
//!
//! Yes may lower the limits of the one session and can raise none. No is no. Everything else (no
//! answer in time, a redirect, another status, nonsense, a limit above the one in force) is
//! nobody's answer, and whoever asks refuses: [`Unavailable`].

mod answer;
mod ask;
mod question;
mod signature;

pub use tollbridge_outbound::{Http, Tls, TlsError, Unavailable};

pub use self::{
    answer::{Lowered, Verdict},
    ask::{Hook, HookOptions},
    question::Question,
    signature::{Key, KeyError},
};
