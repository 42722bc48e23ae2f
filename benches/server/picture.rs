//! The chart in the README: server CPU of an append against the stored size.

use plotters::prelude::*;

use crate::append::{Appends, Way};
use crate::measure::PIPELINE;
use crate::record::bytes;

const LINES: [(Way, RGBColor); 5] = [
    (Way::Script, RGBColor(0xd6, 0x27, 0x28)),
    (Way::Json, RGBColor(0xff, 0x7f, 0x0e)),
    (Way::Len, RGBColor(0x1f, 0x77, 0xb4)),
    (Way::Trust, RGBColor(0x2c, 0xa0, 0x2c)),
    (Way::Native, RGBColor(0x7f, 0x7f, 0x7f)),
];

/// Draws the pipelined appends on logarithmic axes.
pub fn draw(appends: &[Appends], path: &str) {
    try_draw(appends, path).unwrap_or_else(|error| panic!("{path}: {error}"));
}

fn try_draw(appends: &[Appends], path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let canvas = SVGBackend::new(path, (860, 520)).into_drawing_area();
    canvas.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&canvas)
        .margin(16)
        .caption("Server CPU of appending 70 bytes", ("sans-serif", 20))
        .x_label_area_size(44)
        .y_label_area_size(88)
        .build_cartesian_2d((100f64..1e7).log_scale(), (0.5f64..1e6).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("bytes stored")
        .y_desc("server CPU per append")
        .x_label_formatter(&|size| bytes(*size as usize))
        .y_label_formatter(&|time| duration(*time))
        .light_line_style(WHITE)
        .label_style(("sans-serif", 14))
        .draw()?;
    for (way, color) in LINES {
        let points: Vec<(f64, f64)> = appends
            .iter()
            .filter(|row| row.way == way && row.pipeline == PIPELINE)
            .map(|row| (row.size as f64, row.median.cpu))
            .collect();
        chart
            .draw_series(LineSeries::new(points.clone(), color.stroke_width(2)))?
            .label(way.name())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
        chart.draw_series(points.into_iter().map(|point| Circle::new(point, 3, color.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(RGBColor(0xcc, 0xcc, 0xcc))
        .label_font(("sans-serif", 14))
        .draw()?;
    canvas.present()?;
    Ok(())
}

/// Formats microseconds for people to read.
fn duration(microseconds: f64) -> String {
    match microseconds {
        time if time < 1e3 => format!("{time} us"),
        time if time < 1e6 => format!("{} ms", time / 1e3),
        time => format!("{} s", time / 1e6),
    }
}
