//! The directories of shards, merged into what one sweep would have written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use crate::report::{remove_leftovers, stage, to_json, write_file};
use crate::trace::plain::in_plain_words;

use super::point_key::PointKey;
use super::stored::{self, MANIFEST, POINTS, RESULTS, SweepManifest};

/// How many points a message names.
const NAMED: usize = 10;

/// Merges the directories of shards into a new one, which is byte for byte what a sweep of the
/// whole grid writes. Returns how many points there are.
///
/// # Errors
///
/// If a directory is not a sweep's, they are not of one grid, a point is in none of them, two hold
/// a point with different bytes, or `out` is neither new nor empty. Nothing is written then.
pub fn merge(shards: &[PathBuf], out: &Path) -> Result<usize> {
    let all = shards.iter().map(|shard| Ok((shard.as_path(), read(shard)?))).collect::<Result<Vec<_>>>()?;
    let Some(((first, grid), others)) = all.split_first() else { bail!("there is nothing to merge") };
    for (other, manifest) in others {
        same(first, grid, other, manifest)?;
    }
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (index, entry) in grid.points.iter().enumerate() {
        match find(grid, shards, index + 1, &entry.key)? {
            Some((path, summary)) => found.push((index + 1, path, summary)),
            None => missing.push(grid.name(index + 1)),
        }
    }
    if !missing.is_empty() {
        let rest = missing.len().saturating_sub(NAMED);
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let shown = missing[..missing.len().min(NAMED)].join(", ");
        bail!("no directory holds {shown}{rest}; run the shards that lack them again with --resume");
    }
    let used = out.exists() && fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
    ensure!(!used, "{}: is not empty; give a directory that is new or empty", out.display());
    let staged = stage(&[out.to_owned()], MANIFEST, |_| false)?.pop().expect("one target, one directory");
    remove_leftovers(out);
    for (number, from, _) in &found {
        let to = staged.path().join(POINTS).join(grid.points[number - 1].key.directory());
        copy(from, &to).with_context(|| format!("{}: cannot be copied", from.display()))?;
    }
    let rows: Vec<(usize, Value)> = found.into_iter().map(|(number, _, summary)| (number, summary)).collect();
    write_file(&staged.path().join(RESULTS), &grid.results(&rows)?)?;
    let whole = SweepManifest { shard: None, ..grid.clone() };
    write_file(&staged.path().join(MANIFEST), to_json(&whole).as_bytes())?;
    stored::flush(staged.path()).with_context(|| format!("{}: cannot be written", out.display()))?;
    staged.publish()?;
    Ok(rows.len())
}

fn read(shard: &Path) -> Result<SweepManifest> {
    let path = shard.join(MANIFEST);
    let text = fs::read_to_string(&path).with_context(|| {
        format!("{}: is not a sweep's directory: {MANIFEST} cannot be read", shard.display())
    })?;
    serde_json::from_str(&text).map_err(|why| {
        let why = in_plain_words(&why.to_string());
        anyhow!("{}: is not what a sweep writes: {why}", path.display())
    })
}

/// Checks that two directories are of the same grid.
fn same(first: &Path, grid: &SweepManifest, other: &Path, manifest: &SweepManifest) -> Result<()> {
    let (a, b) = (first.display(), other.display());
    let hint = "run all shards with one program on the same grid and files";
    ensure!(
        grid.version == manifest.version,
        "{a} is of version {}, {b} of version {}; {hint}",
        grid.version,
        manifest.version
    );
    ensure!(
        grid.build == manifest.build,
        "{a} and {b} are of different builds of version {}; {hint}",
        grid.version
    );
    let counts = (grid.points.len(), manifest.points.len());
    ensure!(
        counts.0 == counts.1,
        "the grid of {a} has {} points, that of {b} has {}; {hint}",
        counts.0,
        counts.1
    );
    let only = |these: &SweepManifest, those: &SweepManifest| {
        these.columns.iter().find(|column| !those.columns.contains(column)).cloned()
    };
    for (has, lacks, column) in [(&a, &b, only(grid, manifest)), (&b, &a, only(manifest, grid))] {
        if let Some(column) = column {
            bail!("the grid of {has} states `{column}`, that of {lacks} does not; {hint}");
        }
    }
    ensure!(
        grid.columns == manifest.columns,
        "the grids of {a} and {b} have their keys in different orders; {hint}"
    );
    let mut pairs = grid.points.iter().zip(&manifest.points).enumerate();
    if let Some((index, (one, two))) = pairs.find(|(_, (one, two))| one != two) {
        let number = index + 1;
        let mut values = grid.columns.iter().zip(one.values.iter().zip(&two.values));
        let Some((column, (one, two))) = values.find(|(_, (one, two))| one != two) else {
            bail!("{} is of other files in {a} than in {b}; {hint}", grid.name(number));
        };
        bail!("{} has {column}={one} in {a}, but {column}={two} in {b}; {hint}", grid.name(number));
    }
    Ok(())
}

/// Returns where a point is whole, and its summary.
fn find(
    grid: &SweepManifest,
    shards: &[PathBuf],
    number: usize,
    key: &PointKey,
) -> Result<Option<(PathBuf, Value)>> {
    let mut found: Option<(PathBuf, Value)> = None;
    for shard in shards {
        let path = shard.join(POINTS).join(key.directory());
        let Some(summary) = stored::summary(&path, key, &grid.build) else { continue };
        match &found {
            None => found = Some((path, summary)),
            Some((first, _)) if files(first)? == files(&path)? => {}
            Some((first, _)) => bail!(
                "{} and {} hold different results of {}; find out which is right, and leave the other out",
                first.display(),
                path.display(),
                grid.name(number)
            ),
        }
    }
    Ok(found)
}

/// Returns the files of a point with their bytes.
fn files(of: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry?.path();
        Ok((path.strip_prefix(of).unwrap_or(&path).to_owned(), fs::read(&path)?))
    };
    let entries = fs::read_dir(of).with_context(|| format!("{}: cannot be read", of.display()))?;
    entries.map(read).collect()
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
