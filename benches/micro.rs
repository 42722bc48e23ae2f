//! Measures the parts without a server: validating, the validation cache (looking up a text and replacing its
//! entry), splicing, and, for comparison, parsing, merging and serialising with `serde_json::Value`. Run it
//! with `cargo bench --bench micro`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jsonmerge::array::{Array, Brackets};
use jsonmerge::cache::{self, StemHasher};
use serde_json::Value;

const ELEMENT: &str = r#"{"id":10000001,"type":"order.created","user":"u-1029384","cents":9995}"#;

fn append(criterion: &mut Criterion) {
    cache::set_entries(cache::DEFAULT_ENTRIES);
    let added = format!("[{ELEMENT}]");
    for len in [1, 4, 14, 140, 1400, 14_000] {
        let stored = format!("[{}]", vec![ELEMENT; len].join(","));
        let text = stored.as_bytes();
        let array = Brackets::find(text).expect("an array");
        let one = Brackets::find(added.as_bytes()).expect("an array");
        let splice = array.splice(&one);

        let mut group = criterion.benchmark_group("append");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("validate", text.len()), text, |bencher, text| {
            bencher.iter(|| Array::validate(black_box(text)).map(|array| array.len));
        });
        group.bench_with_input(BenchmarkId::new("cache", text.len()), text, |bencher, text| {
            bencher.iter(|| {
                cache::remember(array.stem(text), len);
                let mut hasher = StemHasher::default();
                let found = hasher.validate(black_box(text)).expect("an array");
                hasher.remember(splice.extension(), found.len + 1);
            });
        });
        let mut room = vec![0; splice.range().end];
        group.bench_with_input(BenchmarkId::new("splice", text.len()), text, |bencher, text| {
            bencher.iter(|| {
                let splice = Brackets::find(black_box(text)).map(|array| array.splice(&one));
                splice.map(|splice| splice.write(&mut room[splice.range()]))
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
