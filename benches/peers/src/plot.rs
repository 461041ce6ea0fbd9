//! A plot of the figures: bars of each library for the works that matter most, as SVG.
//!
//! A bar is as long as its time over premaster's, so that premaster's bars are equally long. The colours
//! follow the reader's scheme, light or dark.

use crate::peer::Peer;
use crate::table::format_microseconds;
use std::fmt::Write;

/// What each library took for one work, in microseconds.
pub struct Bars {
    pub work: String,
    pub side: String,
    pub premaster: f64,
    pub peers: Vec<(Peer, f64)>,
}

/// A work that is drawn, and its title.
struct Group {
    work: &'static str,
    side: &'static str,
    title: &'static str,
}

const GROUPS: [Group; 5] = [
    Group {
        work: "full handshake, RSA 2048, AES-128",
        side: "server",
        title: "Full handshake, server, RSA-2048",
    },
    Group {
        work: "full handshake, RSA 2048, AES-128",
        side: "client",
        title: "Full handshake, client, RSA-2048",
    },
    Group {
        work: "resumed by session ID, AES-128",
        side: "server",
        title: "Resumed handshake, server",
    },
    Group {
        work: "record of 16 KiB, AES-128",
        side: "send",
        title: "Record of 16 KiB, sent, AES-128-GCM",
    },
    Group {
        work: "record of 16 KiB, AES-128",
        side: "receive",
        title: "Record of 16 KiB, received, AES-128-GCM",
    },
];

/// The libraries that are drawn, where they do the work.
const PEERS: [Peer; 5] = [
    Peer::OpenSsl30,
    Peer::OpenSsl36,
    Peer::RustlsAwsLcRs,
    Peer::RustlsRing,
    Peer::PureCrypto,
];

const WIDTH: f64 = 720.0;
const NAMES: f64 = 150.0;
/// Where the longest bars end; their figures stand behind them.
const END: f64 = 620.0;
const BAR: f64 = 14.0;
const STEP: f64 = 18.0;
const TITLE: f64 = 26.0;
const GAP: f64 = 14.0;
/// Bars of more than so many times premaster's are cut, and say so.
const MOST: f64 = 5.0;

const STYLE: &str = "\
<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.own { fill: #0969da; }
.peer { fill: #8c959f; }
.one { stroke: #0969da; stroke-dasharray: 2 3; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.own { fill: #4493f8; }
.peer { fill: #6e7681; }
.one { stroke: #4493f8; }
}
</style>
";

/// Draws the groups of which there are figures.
pub fn svg(caption: &str, all: &[Bars]) -> String {
    let mut body = String::new();
    let mut top = 0.0;
    line(
        &mut body,
        "",
        0.0,
        14.0,
        &format!("{caption}. Time, shorter is faster."),
    );
    top += TITLE;
    for group in &GROUPS {
        let mut bars = all.iter();
        let found = bars.find(|bars| bars.work == group.work && bars.side == group.side);
        if let Some(bars) = found {
            top = draw(&mut body, group, bars, top);
        }
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" role=\"img\" \
         aria-label=\"{caption}\">\n{STYLE}{body}</svg>\n"
    )
}

/// Draws one group and returns where the next one begins.
fn draw(body: &mut String, group: &Group, bars: &Bars, top: f64) -> f64 {
    line(body, "title", 0.0, top + 16.0, group.title);
    let first = top + TITLE;
    let peers = PEERS.into_iter().filter_map(|peer| {
        let (_, time) = bars.peers.iter().find(|(name, _)| *name == peer)?;
        Some((peer.name(), "peer", *time))
    });
    let rows: Vec<_> = [("premaster", "own", bars.premaster)].into_iter().chain(peers).collect();
    let longest = rows.iter().map(|(.., time)| time / bars.premaster).fold(1.0, f64::max).min(MOST);
    let unit = (END - NAMES) / longest;
    let mut y = first;
    for (name, class, time) in &rows {
        let times = time / bars.premaster;
        let length = unit * times.min(MOST);
        let cut = if times > MOST { "  (cut)" } else { "" };
        let middle = y + BAR - 3.0;
        line(body, "", 0.0, middle, name);
        let _ = writeln!(
            body,
            "<rect class=\"{class}\" x=\"{NAMES}\" y=\"{y:.0}\" width=\"{length:.1}\" \
             height=\"{BAR}\" rx=\"2\"/>"
        );
        let figure = format!("{} µs{cut}", format_microseconds(*time));
        line(body, "", NAMES + length + 6.0, middle, &figure);
        y += STEP;
    }
    let at = NAMES + unit;
    let _ = writeln!(
        body,
        "<line class=\"one\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{first:.0}\" y2=\"{:.0}\"/>",
        y - 4.0
    );
    y + GAP
}

fn line(body: &mut String, class: &str, x: f64, y: f64, text: &str) {
    let class = if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{class}\"")
    };
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(body, "<text{class} x=\"{x:.1}\" y=\"{y:.0}\">{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(premaster: f64, openssl: f64) -> Bars {
        Bars {
            work: GROUPS[0].work.into(),
            side: GROUPS[0].side.into(),
            premaster,
            peers: vec![(Peer::OpenSsl30, openssl)],
        }
    }

    #[test]
    fn bars_are_as_long_as_their_times() {
        let drawn = svg("A run", &[bars(100.0, 200.0)]);
        assert!(
            drawn.contains("class=\"own\" x=\"150\" y=\"52\" width=\"235.0\""),
            "{drawn}"
        );
        assert!(
            drawn.contains("class=\"peer\" x=\"150\" y=\"70\" width=\"470.0\""),
            "{drawn}"
        );
        assert!(drawn.contains("200 µs<"));
    }

    #[test]
    fn a_bar_that_does_not_fit_is_cut_and_says_so() {
        let drawn = svg("A run", &[bars(1.0, 50.0)]);
        assert!(drawn.contains("50.0 µs  (cut)"));
        assert!(drawn.contains("width=\"470.0\""));
    }

    #[test]
    fn a_work_without_figures_is_left_out() {
        assert!(!svg("A run", &[]).contains("rect"));
    }
}
