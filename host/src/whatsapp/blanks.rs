//! The blanks of a template: `{{1}}` or `{{name}}`.

use super::limits::is_template_name;

/// Blanks as an error message lists them.
pub(super) fn names(blanks: &[&str]) -> String {
    if blanks.is_empty() { "no parameter".to_owned() } else { blanks.join(", ") }
}

/// The blanks of a text, in order, each once. What is between `{{` and `}}` and could not be a blank stays text.
pub(super) fn blanks(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    for piece in pieces(text) {
        if let Piece::Blank(name) = piece
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}

/// A piece of a template's text.
pub(super) enum Piece<'t> {
    /// Text between blanks.
    Text(&'t str),
    /// A blank, by its name or number.
    Blank(&'t str),
}

/// Cuts a text at its blanks.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        match after.split_once("}}") {
            Some((name, after)) if is_blank(name.trim()) => {
                pieces.push(Piece::Text(before));
                pieces.push(Piece::Blank(name.trim()));
                rest = after;
            }
            _ => {
                let (text, after) = rest.split_at(before.len() + 2);
                pieces.push(Piece::Text(text));
                rest = after;
            }
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// `1`, `2`, … or a name of lower-case letters, digits and `_`.
fn is_blank(name: &str) -> bool {
    !name.is_empty() && is_template_name(name)
}

/// Whether a blank is a number.
pub(super) fn is_number(blank: &str) -> bool {
    blank.bytes().all(|b| b.is_ascii_digit())
}
