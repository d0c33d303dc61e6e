//! Rules of WebDAV that a request may break.

use crate::error::DavFault;

/// The status of a broken rule of WebDAV, and the name of its element.
pub(super) fn precondition(fault: &DavFault) -> (u16, &'static str) {
    match fault {
        DavFault::FiniteDepth => (403, "D:propfind-finite-depth"),
        DavFault::NoExternalEntities => (403, "D:no-external-entities"),
        DavFault::ValidSyncToken => (403, "D:valid-sync-token"),
        DavFault::ValidSyncTokenThunderbird => (400, "D:valid-sync-token"),
        DavFault::SupportedReport => (403, "D:supported-report"),
        DavFault::SupportedCollation => (403, "C:supported-collation"),
        DavFault::SupportedFilter => (403, "C:supported-filter"),
        DavFault::SupportedAddressData => (403, "C:supported-address-data"),
        DavFault::AddressDataConversion => (406, "C:supported-address-data-conversion"),
        DavFault::ValidAddressData => (403, "C:valid-address-data"),
        DavFault::TooMuchText => (413, "C:max-resource-size"),
        // Not 403, which the RFC names: DAVx5 goes on after 409 and stops after 403.
        DavFault::NoUidConflict(_) => (409, "C:no-uid-conflict"),
        DavFault::MissingParent => (409, "C:addressbook-collection-location-ok"),
        DavFault::Forbidden(rule) => (403, rule),
        DavFault::OtherServer => (502, "D:same-server"),
    }
}
