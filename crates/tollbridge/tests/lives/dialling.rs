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
const SLOW: Duration = Duration::from_secs(2);

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
