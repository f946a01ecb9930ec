//! The connection as awc sees it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection, ConnectorService};
use awc::http::Uri;
use tokio::task_local;
use tollbridge_stream::{Line, Proof};

task_local! {
    /// What the server that the current task asks must prove. awc hands its TCP service nothing
    /// but an address, and an address does not say whom its asker trusts.
    static PROOF: Option<Proof>;
}

/// Asks with this proof wanted of whoever answers.
pub(crate) async fn proving<F: Future>(proof: Option<Proof>, ask: F) -> F::Output {
    PROOF.scope(proof, ask).await
}

/// Resolves, connects, and secures the connection where the current task wants that.
#[derive(Clone, Default)]
pub(crate) struct Tcp(ConnectorService);

impl Service<ConnectInfo<Uri>> for Tcp {
    type Response = Connection<Uri, Line>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Service::<ConnectInfo<Uri>>::poll_ready(&self.0, cx)
    }

    fn call(&self, target: ConnectInfo<Uri>) -> Self::Future {
        let connecting = self.0.call(target);
        Box::pin(async move {
            let (stream, uri) = connecting.await?.into_parts();
            // Outside of `proving` nothing may be asked at all.
            let proof = PROOF.try_with(Option::clone).map_err(io::Error::other);
            let proof = proof.map_err(ConnectError::Io)?;
            let line = Line::open(stream, proof.as_ref()).await;
            let line = line.map_err(ConnectError::Io)?;
            Ok(Connection::new(uri, line))
        })
    }
}
