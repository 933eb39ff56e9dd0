//! Clusters: `16x8`, or a TOML file.
//!
//! A file states either `nodes = 16` and `gpus_per_node = 8`, or one `[[nodes]]` group with `count`
//! and `gpus` for each kind of node where they differ.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;

use crate::cluster::{Shape, ShapeError};
use crate::trace::plain::in_plain_words;
use crate::trace::{InputErrors, file};
use crate::units::Gpus;

/// A cluster that `--cluster` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The nodes.
    pub shape: Shape,
    /// The bytes of the file that states them; `None` for `NODESxGPUS`.
    pub file: Option<Vec<u8>>,
}

/// Returns the path of the file that `text` names, seen from `base`; `NODESxGPUS` stays as it is.
pub fn path(base: &Path, text: &str) -> String {
    let path = base.join(text);
    if shape(text).is_none() && (text.ends_with(".toml") || path.exists()) {
        path.display().to_string()
    } else {
        text.to_owned()
    }
}

/// Returns the file that `text` names, unless it is `NODESxGPUS`.
pub fn file_of(text: &str) -> Option<&Path> {
    shape(text).is_none().then_some(Path::new(text))
}

/// Returns the numbers of `NODESxGPUS`.
fn shape(text: &str) -> Option<(u64, u64)> {
    let (nodes, gpus) = text.split_once('x')?;
    Some((nodes.parse().ok()?, gpus.parse().ok()?))
}

/// Reads `NODESxGPUS` or the TOML file of that name.
///
/// # Errors
///
/// If `text` is neither, the file cannot be read, a key is unknown, missing or not a whole number,
/// or no cluster can have this shape. Messages name the file, the field and the value.
pub fn read(text: &str) -> Result<Cluster> {
    if let Some((nodes, gpus)) = shape(text) {
        let shape =
            groups(&[NodeGroup { count: nodes, gpus }]).map_err(|why| anyhow!("cluster `{text}`: {why}"))?;
        return Ok(Cluster { shape, file: None });
    }
    let path = Path::new(text);
    if !text.ends_with(".toml") && !file::is_stream(path) && !path.exists() {
        bail!("`{text}` is not a cluster; give NODESxGPUS, such as 16x8, or a TOML file");
    }
    let bytes = file::read(path).map_err(|problem| InputErrors::new(text, vec![problem]))?;
    let content =
        std::str::from_utf8(&bytes).map_err(|_| anyhow!("{text}: is not UTF-8 text; save it as UTF-8"))?;
    Ok(Cluster { shape: parse(text, content)?, file: Some(bytes) })
}

/// Returns the shape that the content of `file` states.
fn parse(file: &str, content: &str) -> Result<Shape> {
    let stated: ClusterFile = toml::from_str(content).map_err(|why| {
        let line = why.span().map(|span| 1 + content[..span.start].matches('\n').count());
        let line = line.map_or(String::new(), |line| format!("line {line}: "));
        let what = in_plain_words(why.message().trim());
        anyhow!(
            "{file}: {line}{what}; a cluster has `nodes` and `gpus_per_node`, or [[nodes]] groups with `count` and `gpus`"
        )
    })?;
    let all = match stated.nodes {
        NodeCounts::Count(count) => {
            let gpus = stated
                .gpus_per_node
                .with_context(|| format!("{file}: `gpus_per_node` is missing; add `gpus_per_node = 8`"))?;
            vec![NodeGroup { count, gpus }]
        }
        NodeCounts::Groups(all) => {
            ensure!(
                stated.gpus_per_node.is_none(),
                "{file}: `gpus_per_node` and [[nodes]] groups exclude each other; give each group its `gpus`"
            );
            all
        }
    };
    groups(&all).map_err(|why| anyhow!("{file}: {why}"))
}

/// The keys of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterFile {
    nodes: NodeCounts,
    gpus_per_node: Option<u64>,
}

/// The number of nodes, or groups of nodes.
enum NodeCounts {
    Count(u64),
    Groups(Vec<NodeGroup>),
}

/// Nodes of equal size.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeGroup {
    count: u64,
    gpus: u64,
}

/// Written by hand, since the errors of serde's untagged enums do not say what is wrong.
impl<'de> Deserialize<'de> for NodeCounts {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<NodeCounts, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = NodeCounts;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number of nodes or [[nodes]] groups")
            }
            fn visit_i64<E: serde::de::Error>(self, count: i64) -> Result<NodeCounts, E> {
                let wrong = || E::invalid_value(serde::de::Unexpected::Signed(count), &self);
                u64::try_from(count).map(NodeCounts::Count).map_err(|_| wrong())
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<NodeCounts, A::Error> {
                let mut all = Vec::new();
                while let Some(group) = seq.next_element()? {
                    all.push(group);
                }
                Ok(NodeCounts::Groups(all))
            }
        }
        from.deserialize_any(Visitor)
    }
}

/// Joins the nodes of all groups, in their order. Checks the sums before it allocates as much.
fn groups(all: &[NodeGroup]) -> Result<Shape, ShapeError> {
    let sums = [|g: &NodeGroup| g.count.saturating_mul(g.gpus), |g: &NodeGroup| g.count];
    for sum in sums {
        if all.iter().map(sum).fold(0, u64::saturating_add) > Shape::LIMIT {
            return Err(ShapeError::TooLarge);
        }
    }
    let mut nodes = Vec::new();
    for group in all {
        let gpus = u32::try_from(group.gpus).map_err(|_| ShapeError::TooLarge)?;
        nodes.extend((0..group.count).map(|_| Gpus::new(gpus)));
    }
    Shape::new(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shaped(content: &str) -> String {
        parse("c.toml", content).map_or_else(|why| format!("{why:#}"), |shape| shape.to_string())
    }

    #[test]
    fn shapes_are_read_from_words_and_files() {
        assert_eq!(read("16x8").unwrap().shape, Shape::default());
        assert_eq!(shaped("nodes = 2\ngpus_per_node = 4"), "2x4");
        assert_eq!(shaped("[[nodes]]\ncount = 2\ngpus = 8\n[[nodes]]\ncount = 1\ngpus = 4"), "2x8+1x4");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let hint = "; a cluster has `nodes` and `gpus_per_node`, or [[nodes]] groups with `count` and `gpus`";
        for (content, why) in [
            ("", format!("c.toml: line 1: the key `nodes` is missing{hint}")),
            (
                "nodes = 2\nracks = 1",
                format!("c.toml: line 2: `racks` is not a key here; known: `nodes` or `gpus_per_node`{hint}"),
            ),
            (
                "nodes = -2",
                format!(
                    "c.toml: line 1: `-2` stands where a whole number of nodes or [[nodes]] groups belongs{hint}"
                ),
            ),
            (
                "nodes = 2\ngpus_per_node = 1.5",
                format!("c.toml: line 2: `1.5` stands where a whole number from 0 belongs{hint}"),
            ),
            ("[[nodes]]\ncount = 2", format!("c.toml: line 1: the key `gpus` is missing{hint}")),
            ("nodes = 2", "c.toml: `gpus_per_node` is missing; add `gpus_per_node = 8`".into()),
            (
                "gpus_per_node = 2\n[[nodes]]\ncount = 2\ngpus = 2",
                "c.toml: `gpus_per_node` and [[nodes]] groups exclude each other; give each group its `gpus`"
                    .into(),
            ),
            ("nodes = 0\ngpus_per_node = 8", "c.toml: a cluster has at least one node".into()),
        ] {
            assert_eq!(shaped(content), why);
        }
        let why = |text: &str| format!("{:#}", read(text).unwrap_err());
        assert_eq!(why("16y8"), "`16y8` is not a cluster; give NODESxGPUS, such as 16x8, or a TOML file");
        assert_eq!(why("1x0"), "cluster `1x0`: node 0 has no GPU; every node has at least one");
        assert_eq!(why("0x8"), "cluster `0x8`: a cluster has at least one node");
        let large = "more than 1000000 GPUs; a cluster has at most that many";
        assert_eq!(why("9999999999999x1"), format!("cluster `9999999999999x1`: {large}"));
        assert_eq!(why("9999999999999x0"), format!("cluster `9999999999999x0`: {large}"));
    }
}
