//! A version that has passed its checks and can take turns.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    FLOW_FILE, Manifest, Migrate, Problem, RoleEntry, Schedule, folder,
    references::{self, Configuration},
};
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
    /// Whether running conversations move to it when it is activated.
    pub migrates: bool,
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
            let config = match configuration(version, &text, key, entry) {
                Ok(config) => config,
                Err(found) => {
                    problems.extend(found);
                    continue;
                }
            };
            match prepare(sandbox, version, &text, role, key, entry, &config).await {
                Ok(component) => components.push(component),
                Err(found) => problems.extend(found),
            }
            match entry.component.as_str() {
                "stock:qualify" => problems.extend(references::templates(&config, &manifest.templates)),
                "stock:status-actions" => problems.extend(references::schedules(&config, &manifest)),
                _ => {}
            }
        }
        if !problems.is_empty() {
            problems.sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
            return Err(problems);
        }
        let [qualification, crm_mapping, status_actions] =
            <[Component; 3]>::try_from(components).map_err(|_| Vec::new())?;
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
            migrates: manifest.migrate == Migrate::Latest,
        })
    }

    /// Has the images of its components made in the background, so that turns take less time from then on.
    pub fn improve(&self) {
        for component in [&self.qualification, &self.crm_mapping, &self.status_actions] {
            component.improve();
        }
    }
}

async fn prepare(
    sandbox: &Sandbox,
    version: &FlowVersion,
    manifest: &str,
    role: Role,
    key: &str,
    entry: &RoleEntry,
    config: &Configuration,
) -> Result<Component, Vec<Problem>> {
    let flow_file = format!("{}/{FLOW_FILE}", version.flow);
    let about_component =
        |what: String| vec![Problem::of_key(&flow_file, manifest, &format!("roles.{key}.component"), what)];
    let Some(wasm) = folder::component(version, &entry.component) else {
        return Err(about_component(format!(
            "{:?} is not in this folder; build it (`relais plugin build` for a plugin), or write \"stock:qualify\", \"stock:crm-map\", \"stock:status-actions\" or the path of a component such as \"./qualify.wasm\"",
            entry.component
        )));
    };
    sandbox.prepare_soon(role, wasm, &config.value, entry.limits.clone()).await.map_err(|refusal| match refusal {
        Refusal::Problems(found) => found
            .into_iter()
            .map(|problem| Problem::of_key(&config.file, &config.text, &problem.at, problem.what))
            .collect(),
        other => about_component(other.to_string()),
    })
}

/// A role's configuration; `{}` when it has no file.
fn configuration(
    version: &FlowVersion,
    manifest: &str,
    key: &str,
    entry: &RoleEntry,
) -> Result<Configuration, Vec<Problem>> {
    let flow_file = format!("{}/{FLOW_FILE}", version.flow);
    let Some(path) = &entry.config else {
        let value = Value::Object(serde_json::Map::new());
        return Ok(Configuration { file: flow_file, text: String::new(), value });
    };
    let path = path.trim_start_matches("./");
    let text = text_of(version, path).map_err(|_| {
        let what = format!("{path:?} is not a text file of this folder");
        vec![Problem::of_key(&flow_file, manifest, &format!("roles.{key}.config"), what)]
    })?;
    let file = format!("{}/{path}", version.flow);
    let value = toml::from_str::<Value>(&text).map_err(|error| Problem::all_of_toml(&file, &text, &error))?;
    Ok(Configuration { file, text, value })
}

pub(super) fn text_of(version: &FlowVersion, path: &str) -> Result<String, Problem> {
    let file = format!("{}/{path}", version.flow);
    let bytes = version.files.get(path).ok_or_else(|| Problem::of_file(&file, "is missing"))?;
    String::from_utf8(bytes.clone()).map_err(|_| Problem::of_file(&file, "is not UTF-8 text"))
}
