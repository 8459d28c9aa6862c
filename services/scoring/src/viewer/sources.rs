//! The files of a case, and whose fault it is where one cannot be read.

use std::io::Read;

use molar_volumes::{Error as VolumeError, Format, Geometry};

use super::scene::{Part, Trouble};
use crate::cases::{Fault, with_member};
use crate::error::{Error, Result};
use crate::fetch::{self, Fetched};

/// The files of a case, as far as they could be had.
#[derive(Debug, Clone)]
pub struct Sources {
    pub format: Format,
    /// Where it is known beforehand.
    pub geometry: Option<Geometry>,
    pub image: Option<Fetched>,
    pub reference: Option<Fetched>,
    pub prediction: Option<Prediction>,
}

#[derive(Debug, Clone)]
pub struct Prediction {
    pub file: Fetched,
    /// Of a zip.
    pub member: Option<String>,
}

impl Prediction {
    pub fn with_bytes<T>(
        &self,
        read: impl FnOnce(&mut dyn Read) -> Result<T, VolumeError>,
    ) -> Result<Result<T, String>> {
        let Some(member) = &self.member else {
            return blamed(read(&mut self.file.reader()));
        };
        match with_member(&self.file, member, read) {
            Ok(read) => blamed(read),
            Err(Fault::Theirs(why)) => Ok(Err(why)),
            Err(Fault::Ours(error)) => Err(Error::File(error)),
        }
    }
}

/// What is wrong with a file is told; what is wrong with our disk is an error.
pub fn blamed<T>(read: Result<T, VolumeError>) -> Result<Result<T, String>> {
    match read {
        Ok(read) => Ok(Ok(read)),
        Err(VolumeError::Source(error)) if fetch::is_ours(&error) => Err(Error::File(error)),
        Err(VolumeError::Source(error)) => Ok(Err(format!("the zip is damaged: {error}"))),
        Err(error) => Ok(Err(error.to_string())),
    }
}

pub fn keep<T>(read: Result<T, String>, part: Part, troubles: &mut Vec<Trouble>) -> Option<T> {
    read.map_err(|why| troubles.push(Trouble { part, why }))
        .ok()
}
