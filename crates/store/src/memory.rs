//! Coordination in process: one node, nothing to install.
