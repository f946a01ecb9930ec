//! The frame reader alone: what a read costs before anything is written. `just micro` runs it.

use std::hint::black_box;

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use tollbridge_relay::{Next, Rules, Scanner};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for masked in [true, false] {
        let side = if masked { "up" } else { "down" };
        let mut group = criterion.benchmark_group(format!("frame {side}"));
        let voice = frame(masked, 3_200);
        scan(
            &mut group,
            masked,
            "64 B x 32",
            &[&frame(masked, 64).repeat(32)],
        );
        scan(&mut group, masked, "3,200 B", &[&voice]);
        let bulk = frame(masked, 65_536);
        let reads: Vec<&[u8]> = bulk.chunks(16_384).collect();
        scan(&mut group, masked, "64 KiB in reads of 16 KiB", &reads);
        group.finish();
    }
    criterion.final_summary();
}

/// Measures one pass over whole frames that come in these reads.
fn scan(group: &mut BenchmarkGroup<'_, WallTime>, masked: bool, name: &str, reads: &[&[u8]]) {
    let bytes = reads.iter().map(|read| read.len() as u64).sum();
    group.throughput(Throughput::Bytes(bytes));
    let mut scanner = Scanner::new(rules(masked));
    let mut allowance = u64::MAX;
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            for read in reads {
                let scan = scanner.scan(black_box(read), &mut allowance);
                assert_eq!((scan.pass, scan.next), (read.len(), Next::More));
            }
            allowance = u64::MAX;
        });
    });
}

/// A final binary frame of one side (RFC 6455, 5.2).
fn frame(masked: bool, length: u32) -> Vec<u8> {
    let bit = if masked { 0x80 } else { 0 };
    let mut frame = vec![0x82];
    match length {
        0..=125 => frame.push(bit | length.to_be_bytes()[3]),
        126..=0xffff => {
            frame.push(bit | 126);
            frame.extend_from_slice(&length.to_be_bytes()[2..]);
        }
        _ => {
            frame.push(bit | 127);
            frame.extend_from_slice(&u64::from(length).to_be_bytes());
        }
    }
    if masked {
        frame.extend_from_slice(&[0x37, 0xfa, 0x21, 0x3d]);
    }
    frame.resize(frame.len() + length as usize, 7);
    frame
}

const fn rules(masked: bool) -> Rules {
    Rules {
        masked,
        rsv1: false,
        max_frame: 64 << 20,
        max_message: 64 << 20,
        max_fragments: 16_384,
    }
}
