//! Rules of who may mint, as a file that would give them.

use super::Page;
use crate::{names::join, settings::Rule, units::write_duration};

pub(super) fn show_rule(page: &mut Page, path: &str, rule: &Rule) {
    page.element(path);
    page.text_some("caller", rule.caller.as_ref());
    for (name, values) in &rule.claims {
        page.list(&join("claim", name), values);
    }
    page.text_some("max_session", rule.max_session.map(write_duration));
    page.set_some("uses", rule.uses);
    for (name, values) in &rule.params {
        page.list(&join("params", name), values);
    }
}
