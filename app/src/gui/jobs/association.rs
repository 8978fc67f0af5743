//! Registers poolscope for `.etl` files and reads the state of the registration. The system may be slow: the window never
//! waits for it.

use crate::association::{Association, AssociationError, AssociationState};

/// Request about the file association.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Read the state of the registration.
    Look,
    /// To offer poolscope.
    Offer,
    /// To take the offer back.
    Withdraw,
}

pub(super) fn run(association: &dyn Association, wanted: Wanted) -> Result<AssociationState, AssociationError> {
    match wanted {
        Wanted::Look => {}
        Wanted::Offer => association.register()?,
        Wanted::Withdraw => association.unregister()?,
    }
    association.state()
}
