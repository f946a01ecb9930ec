//! Peers that vanish without a word: R12.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};
use tollbridge_testkit::{Behaviour, Event, RawWs, Upstream};

use crate::stage::{Plan, knock};

/// A network that can go dead: then nothing passes any more, and nobody is told.
struct Network {
    address: SocketAddr,
    dead: Arc<Notify>,
    carrying: JoinHandle<()>,
}

impl Network {
    /// In front of this address, for one connection.
    async fn before(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let dead = Arc::new(Notify::new());
        let cut = Arc::clone(&dead);
        let carrying = tokio::spawn(async move {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(to).await.unwrap();
            tokio::select! {
                _ended = copy_bidirectional(&mut near, &mut far) => {}
                () = cut.notified() => std::future::pending().await,
            }
        });
        Self {
            address,
            dead,
            carrying,
        }
    }

    fn die(&self) {
        self.dead.notify_one();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

/// R12, without netem, which needs root: a network that carries nothing any more. The pings find
/// out, the upstream is sent away, and the session is off the list.
#[tokio::test]
async fn a_client_whose_network_dies_is_gone_after_two_pings() {
    let echo = Upstream::behaving(Behaviour::Echo).await;
    let plan = Plan::new().await;
    let pings = "limits.ping_interval = \"500ms\"";
    let stage = plan.route_to("echo", &echo.url(), pings).start().await;
    let network = Network::before(stage.server.public()).await;
    let token = stage.token("echo").await;
    let opened = RawWs::connect(network.address, knock("echo", &token)).await;
    let mut ws = opened.unwrap();
    ws.echo("hello").await;
    network.die();
    let dials = echo.ended(1).await;
    let Some(Event::Frame(close)) = &dials[0].end else {
        panic!("not told: {:?}", dials[0].end);
    };
    assert_eq!(close.close_parts(), Some((1001, String::new())));
    stage.until_empty("echo").await;
    let end = stage.ended("echo").await;
    assert_eq!(
        (&end["initiator"], &end["code"]),
        (&"client".into(), &serde_json::Value::Null)
    );
}

/// R12 on the other side, where the route pings its upstream: the client is told that it is lost.
#[tokio::test]
async fn an_upstream_whose_network_dies_is_lost_where_it_is_pinged() {
    let echo = Upstream::behaving(Behaviour::Echo).await;
    let network = Network::before(echo.addr()).await;
    let url = format!("ws://{}", network.address);
    let pings = "limits.upstream_ping_interval = \"500ms\"";
    let stage = Plan::new().await.route_to("far", &url, pings);
    let stage = stage.start().await;
    let mut ws = stage.session("far").await;
    ws.echo("hello").await;
    network.die();
    let (code, reason) = ws.close_parts().await.expect("a close frame");
    assert_eq!(code, 1011);
    assert!(reason.starts_with("tb:upstream_lost;"), "{reason}");
    stage.until_empty("far").await;
    let end = stage.ended("far").await;
    let told = (&end["initiator"], &end["reason"]);
    assert_eq!(told, (&"upstream".into(), &"upstream_lost".into()));
}
