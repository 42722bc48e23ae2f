//! The chart in the README: server CPU of an append against the stored size, drawn from a record.

use std::error::Error;
use std::fs;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::measure::PIPELINE;
use crate::record::bytes;
use crate::support::record::Record;

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A colour in light mode and in dark mode.
type Ink = [u32; 2];

const PAPER: Ink = [0xFFFFFF, 0x0D1117];
const TEXT: Ink = [0x1F2328, 0xF0F6FC];
const NOTE: Ink = [0x59636E, 0x9198A1];
const GRID: Ink = [0xD1D9E0, 0x3D444D];

/// The name of a way to append in the record, its label, and its colour.
type Line = (&'static str, &'static [&'static str], Ink);

const LINES: [Line; 6] = [
    ("Lua script, EVALSHA", &["Lua script"], [0xCF222E, 0xFF7B72]),
    ("JSONMERGE.APPEND", &["JSONMERGE.APPEND"], [0x0550AE, 0x79C0FF]),
    ("JSONMERGE.APPEND REPLY LEN", &["JSONMERGE.APPEND", "REPLY LEN"], [0x8250DF, 0xD2A8FF]),
    ("JSON.ARRAPPEND", &["JSON.ARRAPPEND", "(RedisJSON)"], [0xBC4C00, 0xFFA657]),
    (
        "JSONMERGE.APPEND TRUST REPLY SIZE",
        &["JSONMERGE.APPEND", "TRUST REPLY SIZE"],
        [0x1A7F37, 0x56D364],
    ),
    ("native APPEND", &["native APPEND"], [0x6E7781, 0x8B949E]),
];

const SIZE: (u32, u32) = (760, 560);
const LEFT: i32 = 20;
const LINE_HEIGHT: i32 = 17;

/// Draws the pipelined appends of a record on logarithmic axes, and writes the chart beside the record.
pub fn draw(record: &Record) {
    let path = "benches/record/append.svg";
    let mut svg = String::new();
    try_draw(record, &mut svg).unwrap_or_else(|error| panic!("{path}: {error}"));
    fs::write(path, with_dark_mode(&svg)).unwrap_or_else(|error| panic!("{path}: {error}"));
}

fn try_draw(record: &Record, svg: &mut String) -> Result<(), Box<dyn Error>> {
    let title = format!("Append 70 bytes, {PIPELINE} in a pipeline");
    let table = record.table(&title);
    let points_of = |by: &str| -> Vec<(f64, f64)> {
        let rows = table.iter().filter(|row| row[1] == by);
        rows.map(|row| (size(row[0]), row[2].parse().expect("a figure"))).collect()
    };
    let canvas = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    canvas.fill(&color(PAPER))?;
    let mut chart = ChartBuilder::on(&canvas.margin(96, 62, LEFT, 196))
        .x_label_area_size(50)
        .y_label_area_size(64)
        .build_cartesian_2d((100f64..1e7).log_scale(), (0.6f64..1e6).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("size of the stored array")
        .x_label_formatter(&|size| bytes(*size as usize))
        .y_label_formatter(&|time| duration(*time))
        .bold_line_style(color(GRID))
        .light_line_style(TRANSPARENT)
        .axis_style(color(GRID))
        .label_style(font(18, TEXT))
        .axis_desc_style(font(18, NOTE))
        .draw()?;
    let mut ends = Vec::new();
    for (by, label, ink) in LINES {
        let points = points_of(by);
        let Some(end) = points.last() else { continue };
        ends.push((label, ink, chart.backend_coord(end)));
        chart.draw_series(LineSeries::new(points.clone(), color(ink).stroke_width(2)))?;
        chart.draw_series(points.into_iter().map(|at| Circle::new(at, 3, color(ink).filled())))?;
    }
    draw_labels(&canvas, ends)?;
    draw_conditions(&canvas, record)?;
    canvas.present()?;
    Ok(())
}

/// Writes the labels beside the ends of the lines, and moves them up if they would overlap.
fn draw_labels(
    canvas: &Canvas,
    mut ends: Vec<(&[&str], Ink, (i32, i32))>,
) -> Result<(), Box<dyn Error>> {
    ends.sort_by_key(|(_, _, (_, y))| -y);
    let mut lowest = SIZE.1 as i32;
    for (label, ink, (x, y)) in ends {
        let height = LINE_HEIGHT * label.len() as i32;
        let middle = y.min(lowest - height / 2);
        lowest = middle - height / 2 - 5;
        canvas.draw(&PathElement::new([(x + 5, y), (x + 14, middle)], color(ink)))?;
        for (text, row) in label.iter().zip(0..) {
            let y = middle - height / 2 + row * LINE_HEIGHT;
            canvas.draw(&Text::new(*text, (x + 18, y), font(17, ink)))?;
        }
    }
    Ok(())
}

/// Writes the title, and what was measured where, above and below the chart.
fn draw_conditions(canvas: &Canvas, record: &Record) -> Result<(), Box<dyn Error>> {
    let title = "Server CPU of appending 70 bytes to a JSON array";
    canvas.draw(&Text::new(title, (LEFT, 20), font(25, TEXT)))?;
    let validated = "Stored arrays were validated before, and have entries in the validation cache";
    for (y, note) in [
        (50, &*format!("{}, {PIPELINE} commands in a pipeline", servers(record))),
        (68, validated),
        (516, record.condition("Processor").trim_end_matches('.')),
        (534, &record.path),
    ] {
        canvas.draw(&Text::new(note, (LEFT, y), font(16, NOTE)))?;
    }
    Ok(())
}

/// Returns the versions of the server and of RedisJSON, which reports 8.8.0 as 80800.
fn servers(record: &Record) -> String {
    let (server, modules) = record.condition("Server").split_once(". ").expect("two sentences");
    let redisjson = modules.split(['.', ',', ' ']).skip_while(|word| *word != "ReJSON").nth(1);
    match redisjson.map(|number| number.parse::<u32>().expect("a number")) {
        Some(number) => {
            let [major, minor, patch] = [number / 10_000, number / 100 % 100, number % 100];
            format!("{server}, RedisJSON {major}.{minor}.{patch}")
        }
        None => server.into(),
    }
}

/// Adds a style that replaces the colours in dark mode.
fn with_dark_mode(svg: &str) -> String {
    let inks = [PAPER, TEXT, NOTE, GRID].into_iter().chain(LINES.map(|(_, _, ink)| ink));
    let rules = inks.flat_map(|[light, dark]| {
        ["fill", "stroke"]
            .map(|name| format!("[{name}=\"#{light:06X}\"] {{ {name}: #{dark:06X} }}\n"))
    });
    let rules: String = rules.collect();
    let style = format!("<style>\n@media (prefers-color-scheme: dark) {{\n{rules}}}\n</style>\n");
    svg.replacen(">\n", &format!(">\n{style}"), 1)
}

fn color([light, _]: Ink) -> RGBColor {
    let [_, red, green, blue] = light.to_be_bytes();
    RGBColor(red, green, blue)
}

fn font(size: u32, ink: Ink) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&color(ink)).pos(Pos::new(HPos::Left, VPos::Top))
}

/// Reads a size as [`bytes`] formats it.
fn size(text: &str) -> f64 {
    let (number, unit) = text.split_once(' ').expect("a unit");
    let unit = match unit {
        "B" => 1.0,
        "KB" => 1e3,
        "MB" => 1e6,
        _ => panic!("unknown unit in {text}"),
    };
    number.parse::<f64>().expect("a number") * unit
}

/// Formats microseconds for people to read.
fn duration(microseconds: f64) -> String {
    match microseconds {
        time if time < 1e3 => format!("{time} µs"),
        time if time < 1e6 => format!("{} ms", time / 1e3),
        time => format!("{} s", time / 1e6),
    }
}
