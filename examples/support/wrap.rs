//! Lines that fit a terminal of 80 columns.

/// The most columns of a line.
pub const WIDTH: usize = 80;

/// How far the continuation of a line is indented.
const INDENT: usize = 4;

/// Breaks the lines that are too long, at spaces, and indents what continues a line by four columns
/// more than the line. A word stays whole, so that a path or a fingerprint can be copied.
pub fn wrap(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        if line.chars().count() <= WIDTH {
            return line.to_owned();
        }
        let own = line.chars().take_while(|character| *character == ' ').count();
        fill(line, own, own + INDENT)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Fills lines with the words of a text, all indented alike.
pub fn paragraph(text: &str, indent: usize) -> String {
    fill(text, indent, indent)
}

fn fill(text: &str, first: usize, next: usize) -> String {
    let mut out = " ".repeat(first);
    let mut column = first;
    for (index, word) in text.split_whitespace().enumerate() {
        let width = word.chars().count();
        if index > 0 && column + 1 + width > WIDTH {
            out.push('\n');
            out += &" ".repeat(next);
            column = next;
        } else if index > 0 {
            out.push(' ');
            column += 1;
        }
        out += word;
        column += width;
    }
    out
}
