//! Tables, sizes and times on stdout.

use mlx_lm::{Error, Result};
use std::{
    io::Write,
    time::{Duration, SystemTime},
};

/// Prints a text to stdout.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| Error::io("stdout", e))
}

/// Prints a document to stdout.
pub(crate) fn print_json(value: &serde_json::Value) -> Result<()> {
    print(&format!("{value:#}\n"))
}

/// Prints rows below their titles, in columns as wide as need be; those whose title begins with a space are aligned to
/// the right.
pub(crate) fn print_table<const N: usize>(titles: [&str; N], rows: &[[String; N]]) -> Result<()> {
    print(&table(titles, rows))
}

fn table<const N: usize>(titles: [&str; N], rows: &[[String; N]]) -> String {
    let right = titles.map(|title| title.starts_with(' '));
    let titles = titles.map(|title| title.trim_start().to_owned());
    let length = |text: &String| text.chars().count();
    let mut widths = titles.each_ref().map(length);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(length(cell));
        }
    }
    let line = |cells: &[String; N]| {
        let cells = cells.iter().zip(widths).zip(right);
        let padded = cells.map(|((cell, width), right)| match right {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    [&titles].into_iter().chain(rows).map(line).collect()
}

/// Bytes in the unit that suits them, decimal.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// How long ago.
pub(crate) fn ago(time: SystemTime) -> String {
    let seconds = SystemTime::now().duration_since(time).unwrap_or(Duration::ZERO).as_secs();
    let (count, unit) = match seconds {
        0..60 => return "just now".into(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        86_400..1_209_600 => (seconds / 86_400, "day"),
        1_209_600..5_184_000 => (seconds / 604_800, "week"),
        5_184_000..63_072_000 => (seconds / 2_592_000, "month"),
        _ => (seconds / 31_536_000, "year"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

/// Numbers of parameters or tokens, shortened.
pub(crate) fn count(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{:.1} k", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} M", number as f64 / 1e6),
        _ => format!("{:.2} B", number as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a".into(), "1".into()], ["long name".into(), "10 000".into()]];
        assert_eq!(
            table(["NAME", " SIZE"], &rows),
            "NAME         SIZE\na               1\nlong name  10 000\n"
        );
    }

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!([999, 98_362_432, 4_520_000_000].map(size), ["999 B", "98 MB", "4.5 GB"]);
        assert_eq!([134_515_008, 8_030_000_000].map(count), ["134.5 M", "8.03 B"]);
        let before = |seconds| ago(SystemTime::now() - Duration::from_secs(seconds));
        let ages = [5, 61, 7_200, 100_000, 1_300_000, 6_000_000, 70_000_000].map(before);
        let expected = [
            "just now",
            "1 minute ago",
            "2 hours ago",
            "1 day ago",
            "2 weeks ago",
            "2 months ago",
            "2 years ago",
        ];
        assert_eq!(ages, expected);
    }
}
