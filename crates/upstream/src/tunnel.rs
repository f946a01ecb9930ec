//! The tunnel that awc's WebSocket request asks for.

use std::{
    cell::RefCell,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_codec::Framed;
use actix_http::{RequestHeadType, ServiceConfig, body::BodySize, h1};
use actix_service::Service;
use awc::{
    BoxedSocket, ConnectRequest, ConnectResponse,
    error::{ConnectError, SendRequestError},
    middleware::Transform,
};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    runtime::{Handle, Id},
    time::timeout,
};

use crate::wire::Wire;

thread_local! {
    static CONFIG: RefCell<Option<(Id, ServiceConfig)>> = const { RefCell::new(None) };
}

/// What awc would make anew for each tunnel, with a task and a timer of its own: they keep the time
/// for the `Date` of a head. Here there is one for all that a runtime dials; a worker that starts
/// again has a new runtime, and the old one's time stands still.
fn config() -> ServiceConfig {
    let runtime = Handle::current().id();
    CONFIG.with_borrow_mut(|kept| {
        kept.take_if(|(made_for, _)| *made_for != runtime);
        let make = || (runtime, ServiceConfig::default());
        kept.get_or_insert_with(make).1.clone()
    })
}

/// Stands in awc where its pool would: what carries a session is never used again, so there is
/// nothing to keep a book of.
#[derive(Clone, Copy)]
pub(crate) struct Tunnels {
    /// DNS, TCP and TLS together.
    pub(crate) patience: Duration,
}

impl<S> Transform<S, ConnectRequest> for Tunnels {
    type Transform = Self;

    fn new_transform(self, _pool: S) -> Self {
        self
    }
}

impl Service<ConnectRequest> for Tunnels {
    type Response = ConnectResponse;
    type Error = SendRequestError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>>>>;

    fn poll_ready(&self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, request: ConnectRequest) -> Self::Future {
        Box::pin(open(request, self.patience))
    }
}

/// Connects, sends the head of the request and reads that of the answer, whatever it says.
async fn open(
    request: ConnectRequest,
    patience: Duration,
) -> Result<ConnectResponse, SendRequestError> {
    let ConnectRequest::Tunnel(head, _) = request else {
        let plain = "a plain request where only tunnels are opened";
        return Err(SendRequestError::Custom(plain.into(), Box::new(())));
    };
    let wire = timeout(patience, Wire::open(head.uri.clone()))
        .await
        .map_err(|_elapsed| ConnectError::Timeout)??;
    let codec = h1::ClientCodec::new(config());
    let mut framed = Framed::new(wire, codec);
    let head = RequestHeadType::from(head);
    framed.send((head, BodySize::None).into()).await?;
    let head = framed.next().await.ok_or(ConnectError::Disconnected)??;
    let framed = framed.into_map_io(|wire| Box::new(wire) as BoxedSocket);
    Ok(ConnectResponse::Tunnel(head, framed))
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, LocalOptions};

    use super::*;

    /// A task for each dial costs more than its head; none at all would send yesterday's date.
    #[test]
    fn every_runtime_keeps_the_time_once() {
        for _ in 0..2 {
            let mut builder = Builder::new_current_thread();
            let runtime = builder.enable_all().build_local(LocalOptions::default());
            let runtime = runtime.unwrap();
            let (first, second) = runtime.block_on(async { (config(), config()) });
            assert_eq!(runtime.handle().metrics().num_alive_tasks(), 1);
            drop((first, second));
        }
    }
}
