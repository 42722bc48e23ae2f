//! The pieces on their own, without a server: the check, the memo (to look a
//! text up, and to remember what it becomes), the splice, and beside them what
//! parsing, merging and serialising with `serde_json::Value` takes. `cargo bench --bench micro`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jsonmerge::array::Array;
use jsonmerge::verified::{self, Trace};
use serde_json::Value;

const ELEMENT: &str = r#"{"id":10000001,"type":"order.created","user":"u-1029384","cents":9995}"#;

fn append(criterion: &mut Criterion) {
    verified::set_slots(verified::DEFAULT_SLOTS);
    let added = format!("[{ELEMENT}]");
    for len in [1, 4, 14, 140, 1400, 14_000] {
        let stored = format!("[{}]", vec![ELEMENT; len].join(","));
        let text = stored.as_bytes();
        let array = Array::verify(text).expect("an array").array;
        let one = Array::verify(added.as_bytes()).expect("an array").array;
        verified::remember(&mut Trace::default(), array.stem(text), len);
        let splice = array.splice(&one);
        let mut room = vec![0; splice.end()];
        room[..text.len()].copy_from_slice(text);
        let grown = splice.write(&mut room).map(|(stem, _)| stem.to_vec()).expect("room");

        let mut group = criterion.benchmark_group("append");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("check", text.len()), text, |bencher, text| {
            bencher.iter(|| Array::verify(black_box(text)).map(|verified| verified.len));
        });
        group.bench_with_input(BenchmarkId::new("memo", text.len()), text, |bencher, text| {
            bencher.iter(|| {
                let mut trace = Trace::default();
                let verified = verified::verify(&mut trace, black_box(text)).expect("an array");
                verified::remember(&mut trace, &grown, verified.len + 1);
            });
        });
        group.bench_with_input(BenchmarkId::new("splice", text.len()), text, |bencher, text| {
            bencher.iter(|| {
                let array = Array::find(black_box(text)).map(|array| array.splice(&one));
                array.and_then(|splice| splice.write(&mut room).map(|(stem, _)| stem.len()))
            });
        });
        group.bench_with_input(BenchmarkId::new("Value", text.len()), text, |bencher, text| {
            bencher.iter(|| {
                let mut stored: Vec<Value> =
                    serde_json::from_slice(black_box(text)).expect("an array");
                stored.extend(serde_json::from_str::<Vec<Value>>(&added).expect("an array"));
                serde_json::to_vec(&stored)
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(1)).warm_up_time(std::time::Duration::from_millis(300));
    targets = append
}
criterion_main!(benches);
