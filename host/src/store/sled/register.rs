//! The opt-out register.

use super::{key, rows::Rows};
use crate::{
    model::{Phone, TenantId},
    store::Result,
};

/// Puts a number on a tenant's register, or takes it off.
pub(super) fn set_opt_out(rows: &mut Rows<'_>, tenant: &TenantId, phone: &Phone, opted_out: bool) -> Result<()> {
    let key = key::opt_out(tenant, phone.as_e164());
    if opted_out {
        rows.put(key, &())
    } else {
        rows.remove(key);
        rows.remove(key::opt_out_digest(tenant, phone.as_e164()));
        Ok(())
    }
}
