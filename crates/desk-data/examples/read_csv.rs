//! Reads a CSV file as float32 as fast as it goes and says how fast that was.
//!
//! `cargo run --release -p desk-data --example read_csv -- FILE`
#![expect(clippy::print_stdout, reason = "it is a program for the command line")]

use std::path::PathBuf;
use std::time::Instant;

use desk_core::{Dim, ElementType, Signature, ValueInfo, ValueType};
use desk_data::{BindOptions, Binding, DataError, OpenOptions, open};

fn main() -> Result<(), DataError> {
    let Some(path) = std::env::args_os().nth(1).map(PathBuf::from) else {
        println!("usage: read_csv FILE");
        return Ok(());
    };
    let began = Instant::now();
    let mut reader = open(&path, &OpenOptions::default())?;
    let shape = Some(vec![Dim::Unknown, Dim::Unknown]);
    let value_type = ValueType::Tensor { element: ElementType::Float32, shape };
    let signature = Signature { inputs: vec![ValueInfo { name: "X".into(), value_type }], outputs: Vec::new() };
    let binding = Binding::plan(&signature, &reader.schema(), &BindOptions::default())?;
    reader.prepare(&binding.read_plan(&[]))?;
    let opened = began.elapsed();
    let (mut rows, mut sum, mut in_tensors) = (0u64, 0.0, std::time::Duration::ZERO);
    while let Some(batch) = reader.next_batch(16_384)? {
        let start = Instant::now();
        let tensors = binding.tensors(&batch, rows)?;
        in_tensors += start.elapsed();
        rows += batch.num_rows() as u64;
        sum += tensors[0].tensor.data.to_f64().and_then(|v| v.first().copied()).unwrap_or(0.0);
    }
    let seconds = began.elapsed().as_secs_f64();
    let megabytes = reader.bytes_total().unwrap_or(0) as f64 / 1e6;
    println!(
        "{rows} rows, {megabytes:.0} MB in {seconds:.3} s: {:.0} MB/s (opened in {:.3} s, tensors {:.3} s; check {sum:.6})",
        megabytes / seconds,
        opened.as_secs_f64(),
        in_tensors.as_secs_f64(),
    );
    Ok(())
}
