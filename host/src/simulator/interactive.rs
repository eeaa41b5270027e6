//! Messages with something to tap: buttons, lists, links, the request of a contact.

use std::collections::HashSet;

use super::{Offered, OfferedKind, message::Shown, refusal::Refusal, shape::Shape, validate::URL};

// The limits of Meta's page on interactive messages (April and May 2026). A list's body is 4096 there and 1024 in Meta's
// OpenAPI description: the stricter one holds.
const BODY: usize = 1024;
const HEADER: usize = 60;
const FOOTER: usize = 60;
const BUTTONS: usize = 3;
const BUTTON_TITLE: usize = 20;
const BUTTON_ID: usize = 256;
const SECTIONS: usize = 10;
const ROWS: usize = 10;
const SECTION_TITLE: usize = 24;
const ROW_TITLE: usize = 24;
const ROW_DESCRIPTION: usize = 72;
const ROW_ID: usize = 200;

/// Checks an `interactive` object; gives what the person will see.
pub(super) fn interactive(interactive: &Shape<'_>) -> Result<Shown, Refusal> {
    interactive.only(&["type", "header", "body", "footer", "action"])?;
    let kind = interactive.text("type", 32)?;
    let body = interactive.object("body")?;
    body.only(&["text"])?;
    let mut lines = Vec::new();
    if let Some(header) = interactive.optional_object("header")? {
        lines.extend(header_line(kind, &header)?);
    }
    lines.push(body.text("text", BODY)?);
    if let Some(footer) = interactive.optional_object("footer")? {
        lines.push(footer.text("text", FOOTER)?);
    }
    let action = interactive.object("action")?;
    let buttons = match kind {
        "button" => buttons(&action)?,
        "list" => rows(&action)?,
        "cta_url" => link(&action)?,
        "contact_request" => {
            if action.text("name", 64)? != "request_contact_info" {
                return Err(Refusal::value("interactive.action.name", "must be request_contact_info"));
            }
            vec![Offered::new(OfferedKind::ContactRequest, "contact_request", "Share contact info")]
        }
        other => {
            let known = "{button, list, cta_url, contact_request}";
            return Err(Refusal::parameter(format!(
                "Param interactive.type must be one of {known} - got \"{other}\"."
            )));
        }
    };
    Ok(Shown { text: lines.join("\n"), buttons, ..Shown::default() })
}

fn header_line<'v>(kind: &str, header: &Shape<'v>) -> Result<Option<&'v str>, Refusal> {
    match header.text("type", 16)? {
        "text" => header.text("text", HEADER).map(Some),
        _ if kind == "list" => Err(Refusal::value("interactive.header.type", "must be text in a list")),
        media @ ("image" | "video" | "document") => {
            header.object(media)?;
            Ok(None)
        }
        _ => Err(Refusal::value("interactive.header.type", "must be text, image, video or document")),
    }
}

fn buttons(action: &Shape<'_>) -> Result<Vec<Offered>, Refusal> {
    action.only(&["buttons"])?;
    let (mut ids, mut titles, mut offered) = (HashSet::new(), HashSet::new(), Vec::new());
    for (index, button) in action.items("buttons", BUTTONS)?.iter().enumerate() {
        let path = format!("interactive.action.buttons[{index}]");
        let button = Shape::of(button, &path)?;
        if button.text("type", 16)? != "reply" {
            return Err(Refusal::value(&button.at("type"), "must be reply"));
        }
        let reply = button.object("reply")?;
        reply.only(&["id", "title"])?;
        let (id, title) = (reply.text("id", BUTTON_ID)?, reply.text("title", BUTTON_TITLE)?);
        if !ids.insert(id) {
            return Err(Refusal::value(&reply.at("id"), "is used by another button"));
        }
        if !titles.insert(title) {
            return Err(Refusal::value(&reply.at("title"), "is used by another button"));
        }
        offered.push(Offered::new(OfferedKind::Button, id, title));
    }
    Ok(offered)
}

fn rows(action: &Shape<'_>) -> Result<Vec<Offered>, Refusal> {
    action.only(&["button", "sections"])?;
    action.text("button", BUTTON_TITLE)?;
    let sections = action.items("sections", SECTIONS)?;
    let (mut ids, mut offered) = (HashSet::new(), Vec::new());
    for (index, section) in sections.iter().enumerate() {
        let section = Shape::of(section, &format!("interactive.action.sections[{index}]"))?;
        section.only(&["title", "rows"])?;
        if section.optional_text("title", SECTION_TITLE)?.is_none() && sections.len() > 1 {
            return Err(Refusal::missing(&section.at("title")));
        }
        for (index, row) in section.items("rows", ROWS)?.iter().enumerate() {
            let row = Shape::of(row, &section.at(&format!("rows[{index}]")))?;
            row.only(&["id", "title", "description"])?;
            let (id, title) = (row.text("id", ROW_ID)?, row.text("title", ROW_TITLE)?);
            if !ids.insert(id) {
                return Err(Refusal::value(&row.at("id"), "is used by another row"));
            }
            let description = row.optional_text("description", ROW_DESCRIPTION)?.map(str::to_owned);
            offered.push(Offered { description, ..Offered::new(OfferedKind::Row, id, title) });
        }
    }
    if offered.len() > ROWS {
        return Err(Refusal::value(&action.at("sections"), "must have at most 10 rows in total"));
    }
    Ok(offered)
}

fn link(action: &Shape<'_>) -> Result<Vec<Offered>, Refusal> {
    if action.text("name", 64)? != "cta_url" {
        return Err(Refusal::value(&action.at("name"), "must be cta_url"));
    }
    let parameters = action.object("parameters")?;
    let (title, url) = (parameters.text("display_text", BUTTON_TITLE)?, parameters.text("url", URL)?);
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Refusal::value(&parameters.at("url"), "must begin with https:// or http://"));
    }
    Ok(vec![Offered::new(OfferedKind::Link, url, title)])
}
