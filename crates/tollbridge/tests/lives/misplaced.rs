//! Tokens where none belongs.

use serde_json::Value;
use tollbridge_testkit::{Logs, Upstream, get};

use crate::house::{House, builder, config, route};

/// B19, S-canary: `&` for `?` is an easy mistake to make.
#[tokio::test]
async fn a_token_in_the_path_is_not_in_the_log() {
    let upstream = Upstream::builder().start().await;
    let config = config(&[route("echo", &upstream, "")]);
    let text = format!("{config}[log]\nlevel = \"trace\"\nformat = \"json\"\n");
    let house = House::of(builder(&[]).config(text)).await;
    let token = house.token("echo").await;
    for path in [
        format!("/v1/bridge/echo&token={token}"),
        format!("/v1/bridge/{token}"),
        format!("/{token}"),
        format!("/v1/tokens/{token}"),
        format!("/socket.io/{token}"),
    ] {
        let answer = get(house.server.public(), &path, &[]).await;
        let is_it = |event: &Value| event["request_id"] == answer.json()["instance"];
        let event = house.logged("http.request", is_it).await;
        assert_eq!(event["path"], "");
    }
    get(house.server.public(), "/v1/bridge/echo", &[]).await;
    house
        .logged("http.request", |event| event["path"] == "/v1/bridge/echo")
        .await;
    let logs = Logs::new().secret("token", &token);
    logs.assert_absent("the log", &house.server.logs());
}
