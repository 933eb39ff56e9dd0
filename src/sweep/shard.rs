//! A part of a grid.

use std::fmt;
use std::str::FromStr;

/// The `index`-th of `of` parts: every `of`-th point, so that points that lie together, and often
/// take as long, are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

impl Shard {
    /// The whole grid.
    pub const ALL: Shard = Shard { index: 1, of: 1 };

    /// Tells whether the point of this number, from 1, is in it.
    pub fn has(self, number: usize) -> bool {
        number % self.of == self.index % self.of
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parts = text.split_once('/').and_then(|(i, of)| Some((i.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((_, 0)) => Err("there is at least 1 shard; give I/N, such as 1/4".to_owned()),
            Some((index, of)) if (1..=of).contains(&index) => Ok(Shard { index, of }),
            Some((0, _)) => Err("shards are numbered from 1; give I/N, such as 1/4 to 4/4".to_owned()),
            Some((_, 1)) => Err("there is only 1 shard; give 1/1".to_owned()),
            Some((_, of)) => Err(format!("there are only {of} shards; give 1/{of} to {of}/{of}")),
            None => {
                Err("not I/N; give the number of the part and how many there are, such as 2/4".to_owned())
            }
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_numbered_from_one_and_share_out_every_point_once() {
        for (text, why) in [
            ("0/4", "shards are numbered from 1"),
            ("5/4", "there are only 4 shards"),
            ("1/0", "there is at least 1 shard; give"),
            ("0/0", "there is at least 1 shard; give"),
            ("2", "not I/N"),
            ("a/4", "not I/N"),
        ] {
            assert!(text.parse::<Shard>().unwrap_err().starts_with(why), "{text}");
        }
        let select = |text: &str| {
            let shard: Shard = text.parse().unwrap();
            assert_eq!(shard.to_string(), text);
            (1..=7).filter(|number| shard.has(*number)).collect::<Vec<_>>()
        };
        assert_eq!([select("1/3"), select("2/3"), select("3/3")], [vec![1, 4, 7], vec![2, 5], vec![3, 6]]);
        assert_eq!(select("1/1"), [1, 2, 3, 4, 5, 6, 7]);
    }
}
