//! The demo's upstream: a WebSocket API that takes its key in a header, as a browser cannot.

use std::{io, net::SocketAddr, time::Duration};

use actix_web::{
    App, Error, HttpRequest, HttpResponse, HttpServer,
    body::{BodyStream, BoxBody, MessageBody},
    dev::{Server, ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    rt,
    web::{self, Bytes},
};
use actix_ws::{Closed, Message, MessageStream, Session};
use futures_util::{StreamExt as _, stream};
use tollbridge_domain::Secret;

use super::speech::hear;

/// Starts the upstream on a free loopback port. It serves while the returned server is polled.
///
/// # Errors
/// Where no loopback port can be bound.
pub(crate) fn upstream(secret: String) -> io::Result<(Server, SocketAddr)> {
    let key = web::Data::new(Key(Secret::new(secret)));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(key.clone())
            .wrap(from_fn(refuse_strangers))
            .route("/echo", web::get().to(echo))
            .route("/ticks", web::get().to(ticks))
            .route("/speech", web::get().to(speech))
            .route("/silent", web::get().to(silent))
            .route("/busy", web::get().to(busy))
            .route("/lost", web::get().to(lost))
            .route("/stuck", web::get().to(stuck))
            .route("/broken-frame", web::get().to(broken_frame))
            .route("/broken-reason", web::get().to(broken_reason))
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(1)
    // A WebSocket server ends the stream as soon as the closing handshake is done.
    .client_disconnect_timeout(Duration::ZERO)
    .bind((LOOPBACK, 0))?;
    let address = server.addrs().first().copied();
    let address = address.ok_or_else(|| io::Error::other("no address was bound"))?;
    Ok((server.run(), address))
}

/// What a handshake must carry in `X-Demo-Key`.
struct Key(Secret<String>);

async fn refuse_strangers(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let given = request
        .headers()
        .get("x-demo-key")
        .map(|key| key.as_bytes());
    let known = request.app_data::<web::Data<Key>>();
    if known.is_some_and(|key| given == Some(key.0.reveal().as_bytes())) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let refusal = HttpResponse::Unauthorized().body("The header X-Demo-Key is missing or wrong.\n");
    Ok(request.into_response(refusal))
}

async fn echo(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    rt::spawn(async move {
        while let Some(Ok(message)) = messages.next().await {
            let sent = match message {
                Message::Text(text) => session.text(text).await,
                Message::Binary(bytes) => session.binary(bytes).await,
                other => match courtesy(other, session).await {
                    Some(open) => {
                        session = open;
                        Ok(())
                    }
                    None => return,
                },
            };
            if sent.is_err() {
                return;
            }
        }
    });
    Ok(response)
}

/// Says the number of the second, every second.
async fn ticks(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    rt::spawn(async move {
        tokio::select! {
            _ = count(session.clone()) => {}
            () = attend(messages, session) => {}
        }
    });
    Ok(response)
}

async fn count(mut session: Session) -> Result<(), Closed> {
    let mut clock = tokio::time::interval(Duration::from_secs(1));
    for number in 0_u64.. {
        clock.tick().await;
        session.text(format!("tick {number}")).await?;
    }
    Ok(())
}

/// Answers pings and the closing; ignores everything else.
async fn attend(mut messages: MessageStream, mut session: Session) {
    while let Some(Ok(message)) = messages.next().await {
        match courtesy(message, session).await {
            Some(open) => session = open,
            None => return,
        }
    }
}

/// Answers each binary message of PCM16 with its level, as JSON.
async fn speech(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    rt::spawn(async move {
        while let Some(Ok(message)) = messages.next().await {
            if let Message::Binary(pcm) = message {
                let heard = serde_json::json!(hear(&pcm)).to_string();
                if session.text(heard).await.is_err() {
                    return;
                }
                continue;
            }
            match courtesy(message, session).await {
                Some(open) => session = open,
                None => return,
            }
        }
    });
    Ok(response)
}

/// What every well-behaved peer does with control frames. `None` once the session is over.
async fn courtesy(message: Message, mut session: Session) -> Option<Session> {
    match message {
        Message::Ping(payload) => session.pong(&payload).await.ok().map(|()| session),
        Message::Close(reason) => {
            // The peer is leaving; whether it still hears the answer does not matter.
            let _ = session.close(reason).await;
            None
        }
        Message::Text(_)
        | Message::Binary(_)
        | Message::Continuation(_)
        | Message::Pong(_)
        | Message::Nop => Some(session),
    }
}

/// Accepts the connection and does not answer the handshake.
async fn silent() -> HttpResponse {
    tokio::time::sleep(PATIENCE).await;
    HttpResponse::ServiceUnavailable().finish()
}

async fn busy() -> HttpResponse {
    HttpResponse::TooManyRequests()
        .insert_header(("retry-after", "7"))
        .body("Too many connections.\n")
}

/// Breaks the connection at the first message, without a close frame.
async fn lost(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (response, session, mut messages) = actix_ws::handle(&request, body)?;
    rt::spawn(async move {
        let _ = messages.next().await;
        drop(session);
    });
    Ok(response)
}

/// Opens and then reads nothing at all.
async fn stuck(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    rt::spawn(async move {
        tokio::time::sleep(PATIENCE).await;
        drop((session, messages));
    });
    Ok(response)
}

/// Sends a frame with the reserved opcode 3 (RFC 6455, 5.2).
async fn broken_frame(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    raw(&request, body, b"\x83\x00")
}

/// Closes with 1000 and a reason that is not UTF-8.
async fn broken_reason(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    raw(&request, body, b"\x88\x04\x03\xe8\xff\xfe")
}

/// Accepts, sends these bytes as they are and stays for a while.
fn raw(
    request: &HttpRequest,
    body: web::Payload,
    bytes: &'static [u8],
) -> Result<HttpResponse, Error> {
    let (response, session, messages) = actix_ws::handle(request, body)?;
    let stay = async move {
        tokio::time::sleep(LINGER).await;
        drop((session, messages));
        None
    };
    let sent = stream::iter([Ok::<_, Error>(Bytes::from_static(bytes))]);
    let body = sent.chain(stream::once(stay).filter_map(std::future::ready));
    Ok(response.set_body(BodyStream::new(body).boxed()))
}

const LOOPBACK: &str = "127.0.0.1";

/// Longer than any deadline of the demo's routes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough for the bridge to judge what was sent.
const LINGER: Duration = Duration::from_secs(3);
