//! Meta's limits on what may be sent (FACTS §1.4), in one place for everybody who checks them.
//!
//! Whether Meta counts UTF-16 units or code points is undocumented; [`length`] counts UTF-16 units, which is never the
//! more lenient. Where Meta's pages and its OpenAPI description differ, the smaller figure.

/// A text.
pub const TEXT: usize = 4096;
/// The text over buttons or a list.
pub const INTERACTIVE_BODY: usize = 1024;
/// A header, of a message or of a template.
pub const HEADER: usize = 60;
/// A footer, of a message or of a template.
pub const FOOTER: usize = 60;
/// Buttons under a message.
pub const BUTTONS: usize = 3;
/// The title of a button, and the label that opens a list.
pub const BUTTON_TITLE: usize = 20;
/// The id of a button.
pub const BUTTON_ID: usize = 256;
/// Sections of a list.
pub const SECTIONS: usize = 10;
/// The title of a section.
pub const SECTION_TITLE: usize = 24;
/// Rows of a list, in all its sections together.
pub const ROWS: usize = 10;
/// The title of a row.
pub const ROW_TITLE: usize = 24;
/// The second line of a row.
pub const ROW_DESCRIPTION: usize = 72;
/// The id of a row, and so of any choice: a flow does not know which of the two it will be.
pub const ROW_ID: usize = 200;
/// The name of a template.
pub const TEMPLATE_NAME: usize = 512;
/// The body of a template, filled in.
pub const TEMPLATE_BODY: usize = 1024;
/// The value of a template's blank.
pub const TEMPLATE_PARAMETER: usize = 1024;
/// What comes back from a template's quick reply.
pub const TEMPLATE_PAYLOAD: usize = 128;
/// Quick replies of a template.
pub const QUICK_REPLIES: usize = 10;
/// The title of a quick reply.
pub const QUICK_REPLY_TITLE: usize = 25;

/// How long a text is, as these limits count.
#[must_use]
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}
