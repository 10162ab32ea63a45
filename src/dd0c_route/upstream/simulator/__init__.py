"""A simulated provider: it speaks the dialects, misbehaves on request, replays recordings, and keeps the record."""

from dd0c_route.upstream.simulator.script import ScriptError
from dd0c_route.upstream.simulator.server import Simulator, main, start

__all__ = ["ScriptError", "Simulator", "main", "start"]
