//! How quickly a large registry is listed: `cargo run --release -p desk-store --example list_speed [MODELS VERSIONS]`.
#![expect(clippy::print_stdout, reason = "it prints its measurements")]

use std::time::Instant;

use desk_store::{ModelFilter, ModelSort, Store, StoreError};

fn main() -> Result<(), StoreError> {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse().ok());
    let (models, versions) = (arguments.next().unwrap_or(10_000), arguments.next().unwrap_or(200_000));
    let home = std::env::temp_dir().join(format!("modeldesk-list-{}", std::process::id()));
    let store = Store::open(&home)?;
    let begin = Instant::now();
    store.seed_for_benchmark(models, versions)?;
    println!("filled {models} models, {versions} versions in {:.1} s", begin.elapsed().as_secs_f64());
    drop(store);

    let begin = Instant::now();
    let store = Store::open(&home)?;
    println!("open: {:.1} ms", begin.elapsed().as_secs_f64() * 1e3);
    let all = ModelFilter::default();
    let text = ModelFilter { text: Some("00ff".into()), ..ModelFilter::default() };
    for (what, filter, sort, limit, offset) in [
        ("first page, last changed first", &all, ModelSort::Updated, 100, 0),
        ("first page by name", &all, ModelSort::Name, 100, 0),
        ("last page by name", &all, ModelSort::Name, 100, models.saturating_sub(100)),
        ("filtered by text", &text, ModelSort::Name, 100, 0),
        ("everything", &all, ModelSort::Name, u32::MAX >> 1, 0),
    ] {
        let mut times = Vec::new();
        let mut rows = 0;
        for _ in 0..7 {
            let begin = on_cpu_ms();
            rows = store.list_models(filter, sort, limit, offset)?.len();
            times.push(on_cpu_ms() - begin);
        }
        times.sort_by(f64::total_cmp);
        println!("{what}: {rows} rows, {:.2} ms of CPU (median), {:.2} at worst", times[3], times[6]);
    }
    let begin = Instant::now();
    let count = store.count_models(&all)?;
    println!("count: {count} in {:.2} ms", begin.elapsed().as_secs_f64() * 1e3);
    let model = store.list_models(&all, ModelSort::Name, 1, 0)?.remove(0);
    let begin = Instant::now();
    let listed = store.list_versions(&model.name)?.len();
    println!("versions of one model: {listed} in {:.2} ms", begin.elapsed().as_secs_f64() * 1e3);
    drop(store);
    std::fs::remove_dir_all(&home).ok();
    Ok(())
}

/// Time that this thread has spent on a CPU: other programs on a busy machine do not count.
fn on_cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e6
}
