//! Who may mint for a route, and how much.

use std::{collections::BTreeMap, time::Duration};

use tollbridge_domain::CallerName;

/// `[[routes.NAME.allow]]`; ceilings that are `None` are the route's own.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rule {
    /// For whom; `None`: for every caller of the route.
    pub caller: Option<CallerName>,
    /// Claims that must all fit, and the values that do.
    pub claims: BTreeMap<String, Vec<String>>,
    /// The longest session; whole seconds.
    pub max_session: Option<Duration>,
    /// Most sessions of a token.
    pub uses: Option<u32>,
    /// Values of declared parameters, within what the declaration allows.
    pub params: BTreeMap<String, Vec<String>>,
}
