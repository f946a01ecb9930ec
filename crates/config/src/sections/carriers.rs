//! `[routes.NAME.carriers]`

use std::time::Duration;

use super::headers;
use crate::{
    carrier_template::{NamedCarrier, SubprotocolCarrier},
    json_pointer::JsonPointer,
    reader::{Section, size},
    settings::{Carriers, MessageCarrier},
    units,
};

/// Reads where the tokens of one route travel.
pub(crate) fn read(section: &Section<'_>) -> Carriers {
    Carriers {
        query: section.parsed_list("query", |text| {
            NamedCarrier::parse(text, headers::query_name)
        }),
        header: section.parsed_list("header", |text| {
            NamedCarrier::parse(text, headers::end_to_end)
        }),
        subprotocol: section.parsed_list("subprotocol", SubprotocolCarrier::parse),
        subprotocol_pair: section.parsed_list("subprotocol_pair", headers::subprotocol),
        message: section
            .holds("message")
            .then(|| message(&section.section("message")))
            .flatten(),
    }
}

fn message(section: &Section<'_>) -> Option<MessageCarrier> {
    section.require(
        "field",
        "where in the JSON the token stands, as \"/api_key\"",
    );
    let greeting = section.parsed("greeting", |text| {
        if text.len() > LONGEST_GREETING {
            return Err(format!("at most {LONGEST_GREETING} bytes"));
        }
        serde_json::from_str::<serde_json::Value>(text)
            .map(|_json| text.to_owned())
            .map_err(|error| format!("not JSON: {error}"))
    });
    Some(MessageCarrier {
        field: section.parsed("field", JsonPointer::parse)?,
        timeout: section.positive_duration("timeout").unwrap_or(PATIENCE),
        max: section.parsed("max", bounded).unwrap_or(LONGEST),
        greeting,
    })
}

fn bounded(text: &str) -> Result<u64, String> {
    size(text).and_then(|size| {
        if size <= MOST {
            Ok(size)
        } else {
            Err(format!(
                "at most {}: all of it is kept until the token is judged",
                units::write_size(MOST)
            ))
        }
    })
}

/// SDKs that put the token there send it as soon as the socket is open.
const PATIENCE: Duration = Duration::from_secs(5);

/// A configuration with a token in it.
const LONGEST: u64 = 16 << 10;

/// A fresh socket takes this at once, so that a greeting is never torn.
const LONGEST_GREETING: usize = 4 << 10;

const MOST: u64 = 1 << 20;
