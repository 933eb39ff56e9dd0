//! Which quirks make most of a difference, from the tables of `docs/evidence/quirks.md`,
//! which take it apart.

use elasticflow_sim::scheduler::Entry;

/// A column of a table: the jobs met as one quirk after the other is switched off.
#[derive(Debug)]
struct QuirkColumn {
    /// The schedule, by its name in the artifact.
    schedule: String,
    /// The figure and case, as [`run`] writes them.
    run: String,
    /// The quirks, each with the change of jobs met when it is switched off.
    steps: Vec<(String, i64)>,
}

/// The columns of all tables.
#[derive(Debug)]
pub(super) struct QuirkTables(Vec<QuirkColumn>);

impl QuirkTables {
    /// Reads the tables between the marks of a page; a page without marks has none.
    pub(super) fn read(page: &str) -> QuirkTables {
        let (begin, end) = ("<!-- quirks:begin -->", "<!-- quirks:end -->");
        let tables = page.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).map_or("", |it| it.0);
        QuirkTables(tables.split("\n\n").flat_map(columns).collect())
    }

    /// Returns the quirks that weigh most in a case under a scheduler, the heaviest first. `rest`
    /// is what the tables leave to the engine.
    pub(super) fn of(&self, figure: &str, case: &str, entry: &Entry) -> Vec<String> {
        let number = if figure == "11a" { "11" } else { figure };
        let titles = [run(&format!("{number} {case}")), run(number)];
        let names = |schedule: &str| entry.name == schedule || entry.aliases.contains(&schedule);
        let Some(column) = self.0.iter().find(|it| names(&it.schedule) && titles.contains(&it.run)) else {
            return Vec::new();
        };
        let mut steps = column.steps.clone();
        let most = steps.iter().map(|(_, jobs)| jobs.abs()).max().unwrap_or_default();
        // A quirk that weighs less than a quarter of the heaviest explains nothing.
        steps.retain(|(_, jobs)| *jobs != 0 && 4 * jobs.abs() >= most);
        steps.sort_by_key(|(_, jobs)| -jobs.abs());
        steps.into_iter().map(|(name, _)| name).collect()
    }
}

/// Returns the columns of a table.
fn columns(table: &str) -> Vec<QuirkColumn> {
    let table = table.trim();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    let Some(head) = rows.first() else { return Vec::new() };
    let Some(schedule) = head.get(1).map(|name| name.trim_matches('`')) else { return Vec::new() };
    let begin = rows.iter().position(|row| row.get(1).is_some_and(|name| name.starts_with("the artifact")));
    let Some(begin) = begin else { return Vec::new() };
    let column = |(n, title): (usize, &&str)| {
        let count = |row: &Vec<&str>| row.get(n)?.parse::<i64>().ok();
        let pairs = rows[begin..].iter().zip(&rows[begin + 1..]);
        let step = |(before, after): (&Vec<&str>, &Vec<&str>)| {
            let name = after.get(1)?;
            let name = if name.starts_with("**ours") { "rest" } else { name.split_whitespace().next()? };
            Some((name.to_owned(), count(after)? - count(before)?))
        };
        let title = title.split(" (").next().unwrap_or_default();
        QuirkColumn {
            schedule: schedule.to_owned(),
            run: run(title),
            steps: pairs.filter_map(step).collect(),
        }
    };
    head.iter().enumerate().skip(2).filter(|(_, title)| !title.is_empty()).map(column).collect()
}

/// Returns a figure and its case in one spelling: `9, 64 GPUs` and `9 64 GPUs` are `964`.
fn run(title: &str) -> String {
    let title = title.replace("GPUs", "").to_lowercase();
    title.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use elasticflow_sim::scheduler;

    const TABLES: &str = "<!-- quirks:begin -->\n\n\
        | `edf` | 8a (195) | 9, 64 GPUs (1000) | 11, 10 % (173) |\n| --- | --- | --- | --- |\n\
        | the paper's figure | 23 | 26 | 16 |\n| the artifact, all quirks | 23 | 23 | 11 |\n\
        | Q13 off: no GPUs past the peak | 139 | 171 | 11 |\n| Q10 off: overhead is paid | 138 | 111 | 13 |\n\
        | **ours** (the rest) | 135 | 110 | 13 |\n\n<!-- quirks:end -->";

    #[test]
    fn the_heaviest_quirks_come_first() {
        let quirks = QuirkTables::read(TABLES);
        let heaviest = |figure, case| quirks.of(figure, case, scheduler::entry("edf").unwrap());
        // 23, 139, 138, 135: +116, -1, -3.
        assert_eq!(heaviest("8a", "195 jobs"), ["Q13"]);
        // 23, 171, 111, 110: +148, -60, -1.
        assert_eq!(heaviest("9", "64 GPUs"), ["Q13", "Q10"]);
        assert_eq!(heaviest("11a", "10%"), ["Q10"]);
        assert_eq!(heaviest("9", "128 GPUs"), [""; 0]);
        assert_eq!(quirks.of("9", "64 GPUs", scheduler::entry("themis").unwrap()), [""; 0]);
        assert_eq!(QuirkTables::read("").of("9", "64 GPUs", scheduler::entry("edf").unwrap()), [""; 0]);
    }
}
