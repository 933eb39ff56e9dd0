//! Computes a digest of everything that the program is built from, so that `sweep --resume` notices
//! if a policy changed and the version did not. The same sources give the same digest on every
//! machine and in every profile.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest, Sha256};

/// The files and folders that decide what the program does.
const SOURCES: [&str; 6] =
    ["Cargo.lock", "Cargo.toml", "configs/pollux", "configs/profiles", "src", "templates"];

fn main() -> io::Result<()> {
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        collect(Path::new(source), &mut files)?;
    }
    // Names have `/` between their parts, so that they sort alike on every system.
    let mut files: Vec<_> = files.into_iter().map(|path| (name(&path), path)).collect();
    files.sort();
    let mut digest = Sha256::new();
    for (name, path) in files {
        let bytes = fs::read(path)?;
        digest.update(format!("{name}\n{}\n", bytes.len()));
        digest.update(bytes);
    }
    // A feature may choose another solver.
    let mut features: Vec<_> = env::vars_os()
        .filter_map(|(key, _)| key.into_string().ok().filter(|key| key.starts_with("CARGO_FEATURE_")))
        .collect();
    features.sort();
    digest.update(features.join("\n"));
    let text = digest.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    println!("cargo::rustc-env=ELASTICFLOW_SIM_SOURCES={text}");
    Ok(())
}

/// Collects the files in a file or folder, without hidden ones.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    if is_hidden {
        return Ok(());
    }
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.is_file() {
        files.push(path.to_owned());
    }
    Ok(())
}

/// Returns a path with `/` between its parts.
fn name(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
