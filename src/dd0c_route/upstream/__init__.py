"""The providers' side: connections that are kept, counted and bounded, and the rows of known providers."""

from dd0c_route.upstream.marks import Marks
from dd0c_route.upstream.pool import Pool
from dd0c_route.upstream.reply import Reply
from dd0c_route.upstream.sweeper import Sweeper

__all__ = ["Marks", "Pool", "Reply", "Sweeper"]
