//! What a token costs to mint and to verify, without network and store. `just micro` runs it.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot set its stage has nothing to measure"
)]

use std::{hint::black_box, sync::Arc};

use criterion::Criterion;
use tokio::runtime::{Builder, Runtime};
use tollbridge_domain::{ClientId, Clock, Grant, Moment, RouteName, Subject};
use tollbridge_keyring::{Keyring, MasterKey, Policy, RingEntropy};
use tollbridge_store::{Algorithm, memory::MemoryStore};
use tollbridge_token::{Minter, RawToken, Verifier};

const NOW: Moment = Moment::from_seconds(1_800_000_000);
const EPOCH: Moment = Moment::from_seconds(1_799_999_000);
const ISSUER: &str = "https://voice.example.com";

fn main() {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let mut criterion = Criterion::default().configure_from_args();
    for algorithm in [Algorithm::EdDSA, Algorithm::ES256] {
        measure(&mut criterion, &runtime, algorithm);
    }
    criterion.final_summary();
}

fn measure(criterion: &mut Criterion, runtime: &Runtime, algorithm: Algorithm) {
    let name = match algorithm {
        Algorithm::EdDSA => "EdDSA",
        Algorithm::ES256 => "ES256",
    };
    let (minter, verifier) = runtime.block_on(open(algorithm));
    let minted = minter.mint(grant()).unwrap();
    let mut group = criterion.benchmark_group(name);
    group.bench_function("mint", |bencher| {
        bencher.iter(|| minter.mint(black_box(grant())).unwrap());
    });
    group.bench_function("verify", |bencher| {
        bencher.iter(|| {
            let raw = RawToken::parse(black_box(minted.token.reveal())).unwrap();
            runtime.block_on(verifier.verify(&raw, NOW)).unwrap()
        });
    });
    let (minter, verifier) = minter.with_verifier(EPOCH, 600);
    let minted = minter.mint(grant()).unwrap();
    group.bench_function("recall", |bencher| {
        bencher.iter(|| {
            let raw = RawToken::parse(black_box(minted.token.reveal())).unwrap();
            runtime.block_on(verifier.verify(&raw, NOW)).unwrap()
        });
    });
    group.finish();
}

async fn open(algorithm: Algorithm) -> (Minter, Verifier) {
    let entropy = Arc::new(RingEntropy::new());
    let policy = Policy {
        algorithm,
        rotate_every: None,
        publish_before_use: 600,
        token_life: 610,
    };
    let keyring = Keyring::open(
        Arc::new(MemoryStore::new()),
        MasterKey::generate(&*entropy),
        policy,
        Arc::new(Still),
        entropy.clone(),
    );
    let keyring = keyring.await.unwrap();
    let issuer = || ISSUER.to_owned();
    let minter = Minter::new(keyring.clone(), issuer(), Arc::new(Still), entropy);
    (minter, Verifier::new(keyring, issuer(), EPOCH, 600))
}

/// As a page's backend asks for one.
fn grant() -> Grant {
    Grant {
        subject: Subject::parse("alice").unwrap(),
        client_id: ClientId::parse("backend:ak_1").unwrap(),
        route: RouteName::parse("voice").unwrap(),
        redeem_within: 30,
        max_session: None,
        uses: 1,
        origin: None,
        params: Default::default(),
        label: None,
        metadata: None,
    }
}

/// A clock that stands.
struct Still;

impl Clock for Still {
    fn now(&self) -> Moment {
        NOW
    }
}
