//! An answer in bytes, as it goes out and as it is kept.

use std::io::Write as _;

use actix_web::HttpResponse;
use actix_web::body::MessageBody as _;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, EntityTag, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use molar_web_kit::ApiError;
use sha2::{Digest, Sha256};

/// Of an answer's own headers those that say what it is.
const DESCRIBING: [HeaderName; 2] = [header::CONTENT_TYPE, header::CONTENT_DISPOSITION];

/// As it is compared, and as it is sent.
pub struct Tag {
    pub entity: EntityTag,
    pub header: HeaderValue,
}

impl Tag {
    fn of(text: String) -> Result<Self, ApiError> {
        let entity = EntityTag::new_strong(text);
        let header = HeaderValue::from_str(&entity.to_string()).map_err(ApiError::internal)?;
        Ok(Self { entity, header })
    }
}

/// The same board in one of its forms.
pub struct Body {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub plain: Bytes,
    /// Where it is kept: packing takes longer than sending.
    pub packed: Option<Bytes>,
    /// Of the bytes, and of them packed, which are others.
    pub tag: Tag,
    pub packed_tag: Tag,
}

impl Body {
    pub fn of(answer: HttpResponse) -> Result<Self, ApiError> {
        let status = answer.status();
        let header = |name: HeaderName| {
            let value = answer.headers().get(&name)?.clone();
            Some((name, value))
        };
        let headers = DESCRIBING.into_iter().filter_map(header).collect();
        let plain = answer
            .into_body()
            .try_into_bytes()
            .map_err(|_| ApiError::internal("a board in pieces"))?;
        let tag = hex::encode(&Sha256::digest(&plain)[..16]);
        let packed_tag = Tag::of(format!("{tag}-gzip"))?;
        Ok(Self {
            status,
            headers,
            plain,
            packed: None,
            tag: Tag::of(tag)?,
            packed_tag,
        })
    }

    pub fn packed(mut self) -> std::io::Result<Self> {
        let mut packing = GzEncoder::new(Vec::new(), Compression::default());
        packing.write_all(&self.plain)?;
        self.packed = Some(packing.finish()?.into());
        Ok(self)
    }

    /// What it takes in memory, about.
    pub fn size(&self) -> usize {
        self.plain.len() + self.packed.as_ref().map_or(0, Bytes::len) + 1024
    }
}
