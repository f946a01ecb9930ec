//! `tollbridge demo`: a header-only upstream, a configuration for it and a page that shows, in
//! the reader's own browser, what fails without the bridge, what works with it and every refusal.
//!
//! Nothing here is faked: the page's backend calls the real mint and the real admin API with keys
//! that the browser never sees, just as a team's backend would.

mod certificate;
mod config;
mod desk;
mod line;
mod page;
mod speech;
mod upstream;

pub(crate) use self::{
    certificate::Throwaway, config::config, desk::Desk, page::page, upstream::upstream,
};

/// API keys made for one run of the demo.
pub(crate) struct Keys {
    /// Scope `mint`, for the caller `backend`.
    pub(crate) mint: String,
    /// Scope `admin`, for revoking and ending sessions.
    pub(crate) admin: String,
}
