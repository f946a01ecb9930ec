//! The 101 and what it agrees to.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::header::{self, HeaderName, HeaderValue},
};

use super::{carrier::Offer, handshake::Handshake};
use crate::route::{Compression, Route};

/// The offer of permessage-deflate that goes upstream, if the client made one and the route lets
/// it pass. Other extensions are dropped: the relay would not know their bits.
pub(crate) fn extensions(route: &Route, handshake: &Handshake) -> Option<String> {
    if route.compression == Compression::Refuse {
        return None;
    }
    let offers: Vec<&str> = handshake
        .extensions
        .as_deref()?
        .split(',')
        .map(str::trim)
        .filter(|offer| {
            offer
                .split(';')
                .next()
                .is_some_and(|name| name.trim() == "permessage-deflate")
        })
        .collect();
    (!offers.is_empty()).then(|| offers.join(", "))
}

/// The subprotocol of the answer: the upstream's choice; else, since browsers insist on one where
/// they offered some, one that holds no token.
pub(crate) fn echo(chosen: Option<&str>, offer: &Offer) -> Option<String> {
    chosen.or(offer.echo.as_deref()).map(str::to_owned)
}

/// 101 Switching Protocols.
pub(crate) fn switch(
    handshake: &Handshake,
    protocol: Option<&str>,
    extensions: Option<&str>,
    kept: &[(String, Vec<u8>)],
) -> HttpResponseBuilder {
    let mut answer = HttpResponse::SwitchingProtocols();
    answer.upgrade("websocket");
    answer.insert_header((header::SEC_WEBSOCKET_ACCEPT, handshake.accept.as_str()));
    if let Some(protocol) = protocol {
        answer.insert_header((header::SEC_WEBSOCKET_PROTOCOL, protocol));
    }
    if let Some(extensions) = extensions {
        answer.insert_header((header::SEC_WEBSOCKET_EXTENSIONS, extensions));
    }
    for (name, value) in kept {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::from_bytes(value),
        ) {
            answer.append_header((name, value));
        }
    }
    answer
}
