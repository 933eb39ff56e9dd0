//! Which quirks make most of a difference, from the tables of `docs/evidence/quirks.md`,
//! which take it apart.

use elasticflow_sim::scheduler::Entry;

/// A column of a table: the jobs met, quirk by quirk.
#[derive(Debug)]
struct Column {
    /// The artifact's name of the schedule.
    schedule: String,
    /// Of which figure and case.
    run: String,
    /// Quirks with the jobs that switching each off is worth.
    steps: Vec<(String, i64)>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Quirks(Vec<Column>);

impl Quirks {
    /// Reads the tables between their marks; without marks there is nothing.
    pub(super) fn read(page: &str) -> Quirks {
        let (begin, end) = ("<!-- quirks:begin -->", "<!-- quirks:end -->");
        let tables = page.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).map_or("", |it| it.0);
        Quirks(tables.split("\n\n").flat_map(columns).collect())
    }

    /// Those that weigh most in a case under a scheduler, the heaviest first; what the tables leave
    /// to the rest is `rest`.
    pub(super) fn of(&self, figure: &str, case: &str, entry: &Entry) -> Vec<String> {
        let number = if figure == "11a" { "11" } else { figure };
        let titles = [run(&format!("{number} {case}")), run(number)];
        let names = |schedule: &str| entry.name == schedule || entry.aliases.contains(&schedule);
        let Some(column) = self.0.iter().find(|it| names(&it.schedule) && titles.contains(&it.run)) else {
            return Vec::new();
        };
        let mut steps = column.steps.clone();
        let most = steps.iter().map(|(_, jobs)| jobs.abs()).max().unwrap_or_default();
        // What is worth less than a quarter of the heaviest explains nothing.
        steps.retain(|(_, jobs)| *jobs != 0 && 4 * jobs.abs() >= most);
        steps.sort_by_key(|(_, jobs)| -jobs.abs());
        steps.into_iter().map(|(name, _)| name).collect()
    }
}

/// The columns of a table.
fn columns(table: &str) -> Vec<Column> {
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
        Column { schedule: schedule.to_owned(), run: run(title), steps: pairs.filter_map(step).collect() }
    };
    head.iter().enumerate().skip(2).filter(|(_, title)| !title.is_empty()).map(column).collect()
}

/// A figure and its case, however it is written: `9, 64 GPUs` and `9 64 GPUs` are `964`.
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
        let quirks = Quirks::read(TABLES);
        let of = |figure, case| quirks.of(figure, case, scheduler::entry("edf").unwrap());
        // 23, 139, 138, 135: +116, -1, -3.
        assert_eq!(of("8a", "195 jobs"), ["Q13"]);
        // 23, 171, 111, 110: +148, -60, -1.
        assert_eq!(of("9", "64 GPUs"), ["Q13", "Q10"]);
        assert_eq!(of("11a", "10%"), ["Q10"]);
        assert_eq!(of("9", "128 GPUs"), [""; 0]);
        assert_eq!(quirks.of("9", "64 GPUs", scheduler::entry("themis").unwrap()), [""; 0]);
        assert_eq!(Quirks::read("").of("9", "64 GPUs", scheduler::entry("edf").unwrap()), [""; 0]);
    }
}
