//! What happens to a session while its upstream is still being called.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
};
use tollbridge_testkit::{Behaviour, Upstream};

use crate::house::{House, ORIGIN, at, route, told_to_go};

/// Longer than it takes to do something meanwhile.
const SLOW: Duration = Duration::from_secs(5);

async fn slow() -> (Upstream, House) {
    let upstream = Upstream::behaving(Behaviour::Slow(SLOW)).await;
    let house = House::with(&[route("slow", &upstream, "")]).await;
    (upstream, house)
}

/// A04, K04: no session is left over because its upstream was slow.
#[tokio::test]
async fn a_key_that_is_revoked_while_we_dial_has_no_session() {
    let (upstream, house) = slow().await;
    let token = house.token("slow").await;
    let revoking = async {
        upstream.until(|dials| dials.len() == 1).await;
        let keys = house.told("GET", "keys", &json!({})).await;
        let kid = keys["keys"][0]["kid"].as_str().unwrap().to_owned();
        let path = format!("keys/{kid}/revoke");
        house
            .told("POST", &path, &json!({"also_sessions": true}))
            .await;
    };
    let (mut ws, ()) = tokio::join!(house.redeem_as_page("slow", &token), revoking);
    told_to_go(&mut ws, 4410, "revoked").await;
    house.empty().await;
}

/// Its use is spent and its upstream was called: somebody will ask why.
#[tokio::test]
async fn a_client_that_vanishes_while_we_dial_is_on_record() {
    let (upstream, house) = slow().await;
    let token = house.token("slow").await;
    let to = house.server.public();
    let mut client: TcpStream = TcpSocket::new_v4().unwrap().connect(to).await.unwrap();
    let handshake = at("slow", &token).origin(ORIGIN).encode(to);
    client.write_all(&handshake).await.unwrap();
    upstream.until(|dials| dials.len() == 1).await;
    client.set_zero_linger().unwrap();
    drop(client);

    let vanished = house.logged("upgrade.vanished", |_| true).await;
    assert_eq!(vanished["route"], "slow");
    let entries = house.audited("upgrade.vanished").await;
    assert_eq!(entries[0]["target"], vanished["jti"]);
    assert_eq!(entries[0]["result"], "client_gone");
    let refused = house.redeem("slow", &token).await.unwrap_err();
    assert_eq!(refused.code(), "token_used");
    house.empty().await;
}

/// D01: a drain waits for the bearer whose use is spent and whose upstream is being called; the
/// session opens and is told to go.
#[tokio::test]
async fn a_drain_waits_for_who_is_on_the_way() {
    let (upstream, mut house) = slow().await;
    let token = house.token("slow").await;
    let draining = async {
        upstream.until(|dials| dials.len() == 1).await;
        house.server.sigterm();
    };
    let (mut ws, ()) = tokio::join!(house.redeem_as_page("slow", &token), draining);
    let (code, reason) = ws.close_parts().await.unwrap();
    assert_eq!(code, 1012, "{reason}");
    assert!(house.server.ended().await.success());
}

/// Who leaves while we dial does not keep others out until the dial ends.
#[tokio::test]
async fn a_client_that_leaves_while_we_dial_gives_its_lease_back_at_once() {
    let upstream = Upstream::behaving(Behaviour::Silent).await;
    let limits = "limits = { sessions = 1, connect_timeout = \"60s\" }";
    let house = House::with(&[route("silent", &upstream, limits)]).await;
    let to = house.server.public();
    for call in 1..=2 {
        let token = house.token("silent").await;
        let mut client = TcpStream::connect(to).await.unwrap();
        let handshake = at("silent", &token).origin(ORIGIN).encode(to);
        client.write_all(&handshake).await.unwrap();
        // The second is only dialled for once the first one's lease is free.
        upstream.until(|dials| dials.len() == call).await;
        drop(client);
        let gone = house
            .logged("upgrade.vanished", |line| line["route"] == "silent")
            .await;
        assert_eq!(gone["route"], "silent");
        if call == 1 {
            house.audited("upgrade.vanished").await;
        }
    }
}
