//! Reads a record of the benchmarks, as `make bench` wrote it.

use std::fs;

pub struct Record {
    /// The path of the file in the source tree, such as `benches/record/NAME.md`.
    pub path: String,
    pub text: String,
}

impl Record {
    pub fn read(path: &str) -> Self {
        let file = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        Record { path: path.into(), text }
    }

    /// Reads the record that a document links to.
    pub fn of(document: &str) -> Self {
        let mut links = document.split("benches/record/").skip(1);
        let name = links.find_map(|rest| rest.split_once(".md)")).expect("a link to a record").0;
        Record::read(&format!("benches/record/{name}.md"))
    }

    /// Returns what a line in the list of conditions says.
    pub fn condition(&self, name: &str) -> &str {
        let start = format!("- {name}: ");
        let line = self.text.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("{} has no line `{start}`", self.path))
    }

    /// Returns the rows of the table with this title.
    pub fn table(&self, title: &str) -> Vec<Vec<&str>> {
        let from = self.text.split_once(&format!("\n## {title}\n"));
        let from = from.unwrap_or_else(|| panic!("{} has no table `{title}`", self.path)).1;
        rows(from.split("\n## ").next().unwrap_or_default())
    }
}

/// Returns a cell of the row that starts with these cells.
#[track_caller]
pub fn cell<'r>(rows: &[Vec<&'r str>], start: &[&str], column: usize) -> &'r str {
    let row = rows.iter().find(|row| row.starts_with(start));
    row.unwrap_or_else(|| panic!("the record has no row {start:?}"))[column]
}

/// Returns the cells of the rows of a Markdown table, without its header.
pub fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    rows.skip(1).map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}
