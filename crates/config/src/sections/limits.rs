//! `[routes.NAME.limits]`

use crate::{
    reader::{Section, size},
    settings::{IdleCounts, Limits},
};

/// Reads the limits of one route.
pub(crate) fn read(section: &Section<'_>) -> Limits {
    Limits {
        max_session: section.seconds("max_session"),
        idle_timeout: section.duration("idle_timeout"),
        client_idle_timeout: section.optional_duration("client_idle_timeout"),
        upstream_idle_timeout: section.optional_duration("upstream_idle_timeout"),
        idle_counts: section.defaulted("idle_counts", IdleCounts::parse),
        max_frame: section.defaulted("max_frame", size),
        max_message: section.defaulted("max_message", size),
        max_fragments: section.defaulted_count("max_fragments"),
        sessions: section.count("sessions"),
        sessions_per_subject: section.count("sessions_per_subject"),
        bytes_per_session: section.parsed("bytes_per_session", size),
        connects_per_minute: section.count("connects_per_minute"),
        connect_timeout: section.duration("connect_timeout"),
        write_timeout: section.duration("write_timeout"),
        ping_interval: section.duration_or_off("ping_interval"),
        pong_timeout: section.positive_duration("pong_timeout"),
        upstream_ping_interval: section.optional_duration("upstream_ping_interval"),
        upstream_pong_timeout: section.positive_duration("upstream_pong_timeout"),
    }
}
