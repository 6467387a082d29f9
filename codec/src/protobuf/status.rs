//! A `Status`: how kube-apiserver says that a request, or a watch, failed.

use alloc::string::String;

use crate::fault::{Found, Stage};
use crate::json::Fault;
use crate::phrase::Phrase;
use crate::pod_error::PodError;
use crate::status::{Cause, Status};

use super::fields::{Field, Piece};
use super::object::Object;

/// Reads the body of an answer that is a `Status`. Anything else is an error.
///
/// # Errors
///
/// Says where the body is not a `Status`.
pub fn parse_status(body: &[u8]) -> Result<Status, PodError> {
    Object::open(body).status()
}

impl Object<'_> {
    /// Reads it as a `Status`.
    ///
    /// # Errors
    ///
    /// As [`parse_status`].
    pub fn status(&self) -> Result<Status, PodError> {
        if let Some(fault) = self.fault {
            return Err(fault.into());
        }
        if self.kind != "Status" {
            let (expected, found) = (Phrase::Status, Found::Thing(Phrase::AnotherKind));
            return Err(Fault::new(Stage::Shape, self.raw.at, expected, found).into());
        }
        Ok(read(self.raw)?)
    }
}

fn read(message: Piece<'_>) -> Result<Status, Fault> {
    let mut status = Status::default();
    let mut fields = message.fields();
    while let Some(field) = fields.next()? {
        match field.number {
            1 => list_meta(&mut status, field)?,
            3 => status.message = text(field)?,
            4 => status.reason = text(field)?,
            5 => details(&mut status, field)?,
            6 => {
                let code = field.number(Phrase::NumberForCode)?;
                status.code = u16::try_from(code).unwrap_or_default();
            }
            _ => {}
        }
    }
    Ok(status)
}

fn list_meta(status: &mut Status, field: Field<'_>) -> Result<(), Fault> {
    let mut fields = field.piece(Phrase::ObjectForMetadata)?.fields();
    while let Some(field) = fields.next()? {
        if field.number == 3 {
            status.continue_token = Some(text(field)?).filter(|token| !token.is_empty());
        }
    }
    Ok(())
}

fn details(status: &mut Status, field: Field<'_>) -> Result<(), Fault> {
    let mut fields = field.piece(Phrase::Object)?.fields();
    while let Some(field) = fields.next()? {
        match field.number {
            4 => status.causes.push(cause(field)?),
            5 => {
                let seconds = u32::try_from(field.number(Phrase::NumberForRetry)?).ok();
                status.retry_after_seconds = seconds.filter(|&seconds| seconds > 0);
            }
            _ => {}
        }
    }
    Ok(())
}

fn cause(field: Field<'_>) -> Result<Cause, Fault> {
    let mut cause = Cause::default();
    let mut fields = field.piece(Phrase::Object)?.fields();
    while let Some(field) = fields.next()? {
        match field.number {
            1 => cause.reason = text(field)?,
            2 => cause.message = text(field)?,
            3 => cause.field = text(field)?,
            _ => {}
        }
    }
    Ok(cause)
}

fn text(field: Field<'_>) -> Result<String, Fault> {
    field.piece(Phrase::String)?.text().map(Into::into)
}
