//! External data: beside the model, long enough, and nowhere else.

use std::fs;
use std::path::Path;

use desk_import::{ImportError, describe, locate};

use crate::build::{external, file, graph, model, node};

fn with(entries: &[(&str, &str)]) -> Vec<u8> {
    let weights = external("w", &[2, 4], entries);
    model(&graph(&[node("Add", &["x", "w"], &["y"])], &[weights])).0
}

#[test]
fn data_beside_the_model_is_found() {
    for location in ["weights.bin", "./weights.bin", "sub/weights.bin"] {
        let (dir, path) = file(&with(&[("location", location), ("offset", "4"), ("length", "32")]));
        fs::create_dir_all(dir.path().join("sub")).expect("made");
        fs::write(dir.path().join(location), [0; 36]).expect("written");
        let description = describe(&path).expect("describes");
        let name = location.trim_start_matches("./").to_owned();
        assert_eq!((description.external_files.clone(), description.parameter_count), (vec![name.clone()], 8));
        assert_eq!(description.findings[0].code, "external-data");
        let source = locate(dir.path()).expect("located");
        assert_eq!(
            source.files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["model.onnx", name.as_str()]
        );
        assert!(source.files[1].1.is_file());
    }
}

#[test]
fn data_outside_the_folder_is_refused_by_name() {
    for location in ["../weights.bin", "/etc/passwd", "a/../../b", "..", "", "C:\\w", "\\\\server\\w", "a\\..\\..\\b"] {
        let (_dir, path) = file(&with(&[("location", location)]));
        let error = describe(&path).expect_err(location);
        assert!(matches!(error, ImportError::ExternalOutside { .. }), "{location}: {error}");
    }
}

#[test]
#[cfg(unix)]
fn links_that_lead_out_are_refused() {
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("secret"), [0; 64]).expect("written");
    let link = |target: &Path, name: &str, location: &str| {
        let (dir, path) = file(&with(&[("location", location)]));
        std::os::unix::fs::symlink(target, dir.path().join(name)).expect("linked");
        (describe(&path), dir)
    };
    let (to_file, _dir) = link(&outside.path().join("secret"), "w.bin", "w.bin");
    assert!(matches!(to_file, Err(ImportError::ExternalOutside { .. })), "{to_file:?}");
    let (to_folder, _dir) = link(outside.path(), "sub", "sub/secret");
    assert!(matches!(to_folder, Err(ImportError::ExternalOutside { .. })), "{to_folder:?}");
}

#[test]
fn data_that_is_missing_short_or_nonsense() {
    let check = |entries: &[(&str, &str)], size: usize| {
        let (dir, path) = file(&with(entries));
        if size > 0 {
            fs::write(dir.path().join("w.bin"), vec![0; size]).expect("written");
        }
        describe(&path)
    };
    assert!(check(&[("location", "w.bin")], 32).is_ok());
    assert!(matches!(check(&[("location", "w.bin")], 0), Err(ImportError::ExternalMissing { .. })));
    let short = check(&[("location", "w.bin"), ("offset", "8")], 32);
    assert!(matches!(short, Err(ImportError::ExternalShort { needed: 40, size: 32, .. })), "{short:?}");
    for entries in [("offset", "-8"), ("offset", "18446744073709551615"), ("length", "16"), ("length", "many")] {
        let answer = check(&[("location", "w.bin"), entries], 64);
        assert!(matches!(answer, Err(ImportError::BadTensor { .. })), "{entries:?}: {answer:?}");
    }
    let wrong = check(&[("location", "w.bin"), ("length", "16")], 64).map(|_| ()).expect_err("half of what it needs");
    let said = wrong.to_string();
    assert!(said.contains("`w`") && said.contains("its data has 16 bytes and its shape needs 32"), "{said}");
    assert!(check(&[("location", "w.bin"), ("length", "32")], 64).is_ok(), "others may lie behind it");
    let (dir, path) = file(&with(&[("location", "w.bin")]));
    fs::create_dir(dir.path().join("w.bin")).expect("made");
    assert!(matches!(describe(&path), Err(ImportError::ExternalMissing { .. })), "a folder is no data");
}
