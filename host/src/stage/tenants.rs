//! What a stage makes of a folder of tenants: a copy with the embedded CRM in it, and what the simulator knows of them.

use std::path::Path;

use anyhow::Context as _;

use super::{CRM_ADDRESS, Crm};
use crate::{
    flows::{FLOW_FILE, Manifest, TENANT_FILE, Tenant, find_tenants},
    simulator::{ApprovedTemplate, BusinessNumber, TemplateButton, TemplateHeader},
    whatsapp::Template,
};

/// The account of a number whose tenant names none.
pub(crate) const ACCOUNT: &str = "200000000000001";

pub(super) fn number_of(tenant: &Tenant, token: &str) -> BusinessNumber {
    BusinessNumber {
        phone_number_id: tenant.whatsapp.phone_number_id.clone(),
        display: tenant.whatsapp.number.clone(),
        waba: tenant.whatsapp.business_account_id.clone().unwrap_or_else(|| ACCOUNT.to_owned()),
        token: token.to_owned(),
    }
}

/// Copies the folder, the CRM's address put in; the CRM learns each tenant's secret.
pub(super) fn copy_flows(from: &Path, to: &Path, crm: &Crm) -> anyhow::Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("make {}", to.display()))?;
    for entry in std::fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_flows(&entry.path(), &target, crm)?;
            continue;
        }
        let bytes = std::fs::read(entry.path())?;
        let bytes = match std::str::from_utf8(&bytes) {
            Ok(text) if target.extension().is_some_and(|extension| extension == "secret") => {
                crm.trust(text.trim())?;
                bytes
            }
            Ok(text) => text.replace(CRM_ADDRESS, &crm.url()).into_bytes(),
            Err(_) => bytes,
        };
        std::fs::write(&target, bytes).with_context(|| format!("write {}", target.display()))?;
    }
    Ok(())
}

fn tenants_in(flows: &Path) -> anyhow::Result<Vec<Tenant>> {
    let mut tenants = Vec::new();
    for folder in find_tenants(flows)? {
        let text = std::fs::read_to_string(folder.path.join(TENANT_FILE))?;
        // A tenant that cannot be read is refused, with its problems, when the host publishes the folder.
        tenants.extend(Tenant::read(folder.id, &text, &folder.path).ok());
    }
    Ok(tenants)
}

/// The business numbers that the tenants declare, all behind one token.
pub(crate) fn numbers_in(flows: &Path, token: &str) -> anyhow::Result<Vec<BusinessNumber>> {
    Ok(tenants_in(flows)?.iter().map(|tenant| number_of(tenant, token)).collect())
}

/// What Meta would have approved: the templates that the flows declare.
pub(crate) fn templates_in(flows: &Path) -> anyhow::Result<Vec<ApprovedTemplate>> {
    let mut templates: Vec<ApprovedTemplate> = Vec::new();
    for folder in find_tenants(flows)? {
        for (_, path) in folder.flows {
            let text = std::fs::read_to_string(path.join(FLOW_FILE))?;
            if let Ok(manifest) = Manifest::read(FLOW_FILE, &text) {
                templates.extend(manifest.templates.into_values().map(approved));
            }
        }
    }
    Ok(templates)
}

pub(super) fn approved(template: Template) -> ApprovedTemplate {
    ApprovedTemplate {
        name: template.name,
        language: template.language,
        status: "APPROVED".to_owned(),
        category: format!("{:?}", template.category).to_uppercase(),
        header: template.header.map(TemplateHeader::Text),
        body: template.body,
        footer: template.footer,
        buttons: template.quick_replies.into_iter().map(|text| TemplateButton::QuickReply { text }).collect(),
    }
}
