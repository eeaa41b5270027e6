//! `flow.toml`: which component plays each role, with what configuration, and what templates there are.

use std::{collections::BTreeMap, str::FromStr};

use serde::Deserialize;

use super::Problem;
use crate::{
    model::{Quiet, Status},
    sandbox::Limits,
    whatsapp::Template,
};

/// The file's name.
pub const FLOW_FILE: &str = "flow.toml";

/// A flow as its author declares it.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Who asks and answers.
    pub qualification: RoleEntry,
    /// Who speaks the CRM's language.
    pub crm_mapping: RoleEntry,
    /// Who decides what a status sets in motion.
    pub status_actions: RoleEntry,
    /// Meta-approved templates by the name that the flow uses.
    pub templates: BTreeMap<String, Template>,
    /// Cron rules.
    pub schedules: Vec<Schedule>,
    /// How long to wait for the rest of a burst.
    pub quiet: Quiet,
    /// What becomes of running conversations when a version of it is activated.
    pub migrate: Migrate,
}

/// `migrate`: what becomes of running conversations when a new version is activated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Migrate {
    /// They stay on the version that they began with.
    #[default]
    Never,
    /// They move to the new one, each after a trial turn that has gone well.
    Latest,
}

/// `[roles.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RoleEntry {
    /// `stock:NAME`, or the path of a component in this folder.
    pub component: String,
    /// The path of its configuration, a TOML file in this folder; none configures it with `{}`.
    pub config: Option<String>,
    /// `[roles.NAME.limits]`: what is left out has the host's default.
    #[serde(default)]
    pub limits: Limits,
}

/// `[[schedules]]`: a cron rule that raises an occasion for each lead with one of the statuses.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// What `status-actions` is told.
    pub name: String,
    /// When, in the tenant's zone.
    pub cron: cron::Schedule,
    /// For which leads.
    pub statuses: Vec<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    #[serde(default)]
    migrate: Migrate,
    roles: Roles,
    #[serde(default)]
    templates: BTreeMap<String, Template>,
    #[serde(default)]
    schedules: Vec<ScheduleEntry>,
    #[serde(default)]
    burst: Burst,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Roles {
    qualification: RoleEntry,
    #[serde(default = "stock_mapping")]
    crm_mapping: RoleEntry,
    #[serde(default = "stock_actions")]
    status_actions: RoleEntry,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ScheduleEntry {
    name: String,
    cron: String,
    #[serde(default = "no_outcome")]
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Burst {
    quiet_seconds: u32,
    most_seconds: u32,
}

impl Default for Burst {
    fn default() -> Self {
        let Quiet { window_ms, most_ms } = Quiet::default();
        Self { quiet_seconds: window_ms / 1_000, most_seconds: most_ms / 1_000 }
    }
}

fn stock(name: &str) -> RoleEntry {
    RoleEntry { component: format!("stock:{name}"), config: None, limits: Limits::default() }
}

fn stock_mapping() -> RoleEntry {
    stock("crm-map")
}

fn stock_actions() -> RoleEntry {
    stock("status-actions")
}

fn no_outcome() -> Vec<Status> {
    vec![Status::NoOutcome]
}

impl Manifest {
    /// Reads `flow.toml`; `file` is its path for problems.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let read: File = toml::from_str(text).map_err(|error| Problem::all_of_toml(file, text, &error))?;
        let mut problems = Vec::new();
        let mut schedules = Vec::new();
        for (index, entry) in read.schedules.into_iter().enumerate() {
            match cron::Schedule::from_str(&entry.cron) {
                Ok(cron) => schedules.push(Schedule {
                    name: entry.name,
                    cron,
                    statuses: entry.statuses,
                }),
                Err(error) => problems.push(Problem::of_key(
                    file,
                    text,
                    &format!("schedules.{index}.cron"),
                    format!(
                        "{error}; six fields are needed: seconds, minutes, hours, day of month, month, day of week, such as \"0 0 9 * * Mon-Fri\""
                    ),
                )),
            }
        }
        for (index, schedule) in schedules.iter().enumerate() {
            if schedule.statuses.iter().any(|status| status.is_intermediate()) {
                let what = "a schedule is about leads whose conversation has ended: name final statuses only";
                problems.push(Problem::of_key(file, text, &format!("schedules.{index}.statuses"), what));
            }
        }
        if read.burst.quiet_seconds > 30 || read.burst.most_seconds > 30 {
            problems.push(Problem::of_key(file, text, "burst", "may last 30 seconds at most"));
        }
        for (name, declaration) in &read.templates {
            for found in declaration.check() {
                problems.push(Problem::of_key(file, text, &format!("templates.{name}"), found.to_string()));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            qualification: read.roles.qualification,
            crm_mapping: read.roles.crm_mapping,
            status_actions: read.roles.status_actions,
            templates: read.templates,
            schedules,
            quiet: Quiet { window_ms: read.burst.quiet_seconds * 1_000, most_ms: read.burst.most_seconds * 1_000 },
            migrate: read.migrate,
        })
    }
}
