//! The nouns of Tollbridge. Pure: no I/O, no async, no clock of its own.
//!
//! Every other crate speaks in these words (`docs/glossary.md`): a *caller* mints, a *bearer*
//! connects, a *grant* is what is allowed, a *token* is its signed form, a *route* is a named
//! upstream, a *session* is one bridged connection.

mod act;
mod chance;
mod grant;
mod id;
mod loopback;
mod origin;
mod room;
mod secret;
mod slug;
mod telltale;
mod time;

pub use self::{
    act::{Act, Actor},
    chance::Entropy,
    grant::{Grant, Params},
    id::{CallerName, ClientId, IdError, KeyId, RouteName, SessionId, Subject, TokenId},
    loopback::{is_loopback, is_this_machine},
    origin::{Origin, OriginError},
    room::give_back_room,
    secret::Secret,
    slug::{Form, Slug},
    telltale::Telltale,
    time::{Clock, Moment, SystemClock},
};
