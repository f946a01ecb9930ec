#!/usr/bin/env python3
"""What .deny.toml cannot say about our own crates: the test kit is for tests only, and everybody keeps the house rules."""

import json
import pathlib
import subprocess
import sys
import tomllib

# What only tests may lean on: of one crate, or of every crate.
TESTS_ONLY = {("tollbridge", "sqlx"), ("*", "tollbridge-testkit")}


def faults(package):
    """Every rule that this workspace member breaks, as sentences."""
    manifest = tomllib.loads(pathlib.Path(package["manifest_path"]).read_text())
    for dependency in package["dependencies"]:
        names = {(package["name"], dependency["name"]), ("*", dependency["name"])}
        if names & TESTS_ONLY and dependency["kind"] != "dev":
            yield f"leans on {dependency['name']} outside its tests"
    if manifest.get("lints") != {"workspace": True}:
        yield "does not inherit the workspace's lints"
    for key in ("edition", "license", "publish", "rust-version", "version"):
        if manifest["package"].get(key) != {"workspace": True}:
            yield f"does not inherit `{key}` from the workspace"
    for table in ("dependencies", "dev-dependencies", "build-dependencies"):
        for name, entry in manifest.get(table, {}).items():
            if not (isinstance(entry, dict) and entry.get("workspace")):
                yield f"declares `{name}` itself; dependencies are invited in the root manifest"


def main():
    metadata = json.loads(
        subprocess.run(
            ["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"],
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    )
    found = [f"{package['name']} {fault}" for package in metadata["packages"] for fault in faults(package)]
    for line in found:
        print(f"direction: {line}", file=sys.stderr)
    print(f"direction: {len(metadata['packages'])} crates, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
