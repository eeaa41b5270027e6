//! A version that has passed its checks and can take turns.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{FLOW_FILE, Manifest, Problem, RoleEntry, Schedule, folder};
use crate::{
    model::{Digest, FlowId, Quiet, TenantId},
    sandbox::{Component, Refusal, Role, Sandbox},
    store::FlowVersion,
    whatsapp::Template,
};

/// A flow version, its three roles configured.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Whose.
    pub tenant: TenantId,
    /// Which flow.
    pub flow: FlowId,
    /// Which version.
    pub digest: Digest,
    /// The script.
    pub qualification: Component,
    /// The CRM's words.
    pub crm_mapping: Component,
    /// What statuses set in motion.
    pub status_actions: Component,
    /// Declared templates by the flow's name for them.
    pub templates: BTreeMap<String, Template>,
    /// Cron rules.
    pub schedules: Vec<Schedule>,
    /// How long to wait for the rest of a burst.
    pub quiet: Quiet,
}

impl Loaded {
    /// Checks a version: parse, compile, link, trial instantiation, `configure`. Every problem that can be found is
    /// found at once.
    pub async fn check(sandbox: &Sandbox, version: &FlowVersion) -> Result<Self, Vec<Problem>> {
        let name = |path: &str| format!("{}/{path}", version.flow);
        let text = text_of(version, FLOW_FILE).map_err(|problem| vec![problem])?;
        let manifest = Manifest::read(&name(FLOW_FILE), &text)?;

        let roles = [
            (Role::Qualification, "qualification", &manifest.qualification),
            (Role::CrmMapping, "crm-mapping", &manifest.crm_mapping),
            (Role::StatusActions, "status-actions", &manifest.status_actions),
        ];
        let mut components = Vec::new();
        let mut problems = Vec::new();
        for (role, key, entry) in roles {
            match prepare(sandbox, version, &text, role, key, entry).await {
                Ok(component) => components.push(component),
                Err(found) => problems.extend(found),
            }
        }
        let [qualification, crm_mapping, status_actions] =
            <[Component; 3]>::try_from(components).map_err(|_| problems)?;
        Ok(Self {
            tenant: version.tenant.clone(),
            flow: version.flow.clone(),
            digest: version.digest.clone(),
            qualification,
            crm_mapping,
            status_actions,
            templates: manifest.templates,
            schedules: manifest.schedules,
            quiet: manifest.quiet,
        })
    }
}

async fn prepare(
    sandbox: &Sandbox,
    version: &FlowVersion,
    manifest: &str,
    role: Role,
    key: &str,
    entry: &RoleEntry,
) -> Result<Component, Vec<Problem>> {
    let flow_file = format!("{}/{FLOW_FILE}", version.flow);
    let about_component =
        |what: String| vec![Problem::of_key(&flow_file, manifest, &format!("roles.{key}.component"), what)];
    let Some(wasm) = folder::component(version, &entry.component) else {
        return Err(about_component(format!(
            "{:?} is not in this folder; write \"stock:qualify\", \"stock:crm-map\", \"stock:status-actions\" or the path of a component such as \"./qualify.wasm\"",
            entry.component
        )));
    };
    let (config_text, config) = match &entry.config {
        None => (String::new(), Value::Object(serde_json::Map::new())),
        Some(path) => {
            let text = text_of(version, path.trim_start_matches("./")).map_err(|_| {
                vec![Problem::of_key(
                    &flow_file,
                    manifest,
                    &format!("roles.{key}.config"),
                    format!("{path:?} is not a text file of this folder"),
                )]
            })?;
            let file = format!("{}/{path}", version.flow);
            let config =
                toml::from_str::<Value>(&text).map_err(|error| vec![Problem::of_toml(&file, &text, &error)])?;
            (text, config)
        }
    };
    sandbox.prepare(role, wasm, &config, entry.limits.clone()).await.map_err(|refusal| match refusal {
        Refusal::Problems(found) => {
            let file = match &entry.config {
                Some(path) => format!("{}/{}", version.flow, path.trim_start_matches("./")),
                None => flow_file.clone(),
            };
            found.into_iter().map(|problem| Problem::of_key(&file, &config_text, &problem.at, problem.what)).collect()
        }
        other => about_component(other.to_string()),
    })
}

fn text_of(version: &FlowVersion, path: &str) -> Result<String, Problem> {
    let file = format!("{}/{path}", version.flow);
    let bytes = version.files.get(path).ok_or_else(|| Problem::of_file(&file, "is missing"))?;
    String::from_utf8(bytes.clone()).map_err(|_| Problem::of_file(&file, "is not UTF-8 text"))
}
