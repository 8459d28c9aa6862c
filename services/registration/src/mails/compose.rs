//! A mail as it goes over the wire.

use std::time::SystemTime;

use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox};
use lettre::{Address, Message};
use molar_web_kit::Kit;

use super::rows::Claimed;
use super::{Kind, LINK, unsubscribe};
use crate::links;

/// Why a mail cannot even be written. Not the fault of any server.
#[derive(Debug, thiserror::Error)]
pub enum Unwritable {
    #[error("its link has ended")]
    LinkOver,
    #[error("the address is none")]
    Address(#[from] lettre::address::AddressError),
    #[error("it cannot be put into a message")]
    Message(#[from] lettre::error::Error),
    #[error(transparent)]
    Row(#[from] molar_domain::spelling::UnknownWord),
}

/// To one recipient, as plain text, the same each time it is made.
pub fn compose(kit: &Kit, from: &Mailbox, mail: &Claimed) -> Result<Message, Unwritable> {
    let to = Mailbox::new(None, mail.recipient.parse::<Address>()?);
    let host = kit.public_url.host_str().unwrap_or("localhost");
    let kind: Kind = mail.kind.parse()?;
    let mut builder = Message::builder()
        .from(from.clone())
        .to(to)
        .subject(mail.subject.clone())
        .date(SystemTime::from(mail.created_at))
        .message_id(Some(format!("<{}@{host}>", mail.id)))
        .header(ContentType::TEXT_PLAIN)
        // Nobody's out-of-office answers it.
        .raw_header(raw(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated",
        ));
    if kind == Kind::Notice {
        let url = unsubscribe::url(kit, mail.user_id.into());
        builder = builder
            .raw_header(raw(
                HeaderName::new_from_ascii_str("List-Unsubscribe"),
                &format!("<{url}>"),
            ))
            .raw_header(raw(
                HeaderName::new_from_ascii_str("List-Unsubscribe-Post"),
                "List-Unsubscribe=One-Click",
            ));
    }
    Ok(builder.body(body(text(kit, kind, mail)?))?)
}

/// A line that no server may refuse for its length (RFC 5321).
const LINE: usize = 900;

/// As it stands where that can be: a link that is wrapped is no longer one to whoever reads the file.
fn body(text: String) -> Body {
    let is_plain = text.is_ascii() && !text.contains(['\0', '\r']);
    if is_plain && text.lines().all(|line| line.len() <= LINE) {
        let lines: Vec<&str> = text.lines().collect();
        let wire = lines.join("\r\n") + "\r\n";
        return Body::dangerous_pre_encoded(wire.into_bytes(), ContentTransferEncoding::SevenBit);
    }
    Body::new(text)
}

/// Values are of our making: letters, digits and signs of an address.
fn raw(name: HeaderName, value: &str) -> HeaderValue {
    HeaderValue::new(name, value.to_owned())
}

fn text(kit: &Kit, kind: Kind, mail: &Claimed) -> Result<String, Unwritable> {
    let mut text = match (mail.link_id, &mail.link_purpose) {
        (Some(id), Some(purpose)) => {
            let url = links::url(kit, id, purpose.parse()?);
            mail.text.replace(LINK, &url)
        }
        // The link is gone, and with it what the mail is for.
        _ if kind == Kind::Account && mail.text.contains(LINK) => return Err(Unwritable::LinkOver),
        _ => mail.text.clone(),
    };
    let home = &kit.public_url;
    match kind {
        Kind::Account => text.push_str(&format!("\n\n-- \nMolar, {home}\n")),
        Kind::Notice => {
            let url = unsubscribe::url(kit, mail.user_id.into());
            text.push_str(&format!(
                "\n\n-- \nMolar, {home}\nNo such mail any more: {url}\n"
            ));
        }
    }
    Ok(text)
}
