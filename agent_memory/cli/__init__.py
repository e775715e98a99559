"""The command line. Commands import what they need when they run: `--help` must not wait for Pydantic AI."""

from __future__ import annotations

from importlib import import_module

from agent_memory.cli._app import app

for _area in ('conversation', 'history', 'upkeep', 'channel', 'eval', 'privacy', 'erasure'):
    # Each registers its commands on `app`; the help lists them in this order.
    import_module(f'agent_memory.cli._{_area}_commands')


def main() -> None:
    """Run the command line."""
    app()
