//! Bytes in any pieces, through rooms of any size.

use proptest::{collection::vec, prelude::*};
use rustls::SupportedProtocolVersion;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use crate::{
    choppy::Choppy,
    keys::{BOTH_VERSIONS, Keys},
    sample,
};

/// Sizes of which one at least lets something through.
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let small = prop_oneof![Just(0), 1..40_usize, 1..30_000_usize];
    vec(small, 0..6).prop_map(|mut sizes| {
        sizes.push(1 + sizes.iter().sum::<usize>() % 5000);
        sizes
    })
}

async fn carry(
    version: &'static SupportedProtocolVersion,
    (near, far): (Vec<usize>, Vec<usize>),
    (writes, reads): (&[usize], &[usize]),
    from_server: bool,
) -> (Vec<u8>, Vec<u8>) {
    let (client, server) = duplex(50_000);
    let (client, server) = (Choppy::new(client, near), Choppy::new(server, far));
    let (client, server) = Keys::new(version).join(client, server).await;
    let (mut from, mut to) = if from_server {
        (server, client)
    } else {
        (client, server)
    };
    let said = sample(writes.iter().sum());
    let speak = async {
        let mut rest = &said[..];
        for &size in writes {
            let (piece, later) = rest.split_at(size);
            from.write_all(piece).await.unwrap();
            rest = later;
        }
        from.shutdown().await.unwrap();
        from.held()
    };
    let listen = async {
        // A server's session tickets wait for its first words.
        to.flush().await.unwrap();
        let mut heard = Vec::new();
        for &size in reads.iter().cycle() {
            let mut room = vec![0; size];
            match to.read(&mut room).await.unwrap() {
                0 => break,
                count => heard.extend_from_slice(&room[..count]),
            }
        }
        (heard, to.held())
    };
    let (held_near, (heard, held_far)) = tokio::join!(speak, listen);
    assert_eq!((held_near, held_far), (0, 0));
    (said, heard)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_is_lost_or_moved(
        tls13 in any::<bool>(),
        from_server in any::<bool>(),
        sockets in (sizes(), sizes()),
        writes in vec(1..50_000_usize, 1..6),
        reads in vec(prop_oneof![1..100_usize, 1..90_000_usize], 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let version = BOTH_VERSIONS[usize::from(tls13)];
        let carried = carry(version, sockets, (&writes, &reads), from_server);
        let (said, heard) = runtime.block_on(carried);
        prop_assert!(said == heard);
    }
}
