//! Rules of who may mint, from what is written down.

use tollbridge_config as written;
use tollbridge_http::{Ceilings, Rule};

pub(super) fn rules(written: &[written::Rule]) -> Vec<Rule> {
    written.iter().map(rule).collect()
}

fn rule(written: &written::Rule) -> Rule {
    let claims = written.claims.iter();
    Rule {
        caller: written.caller.clone(),
        claims: claims
            .map(|(name, values)| (name.clone(), values.clone()))
            .collect(),
        ceilings: Ceilings {
            max_session: written
                .max_session
                .map(|most| u32::try_from(most.as_secs()).unwrap_or(u32::MAX)),
            uses: written.uses,
            params: written.params.clone(),
        },
    }
}
